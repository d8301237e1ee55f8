import pytest

from mcp_sessions.results.credentials.mask import MASK, masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("PGPASSWORD=abcd psql", f"PGPASSWORD={MASK} psql"),
        ("DB_PASS: 'two words'", f"DB_PASS: '{MASK}'"),
        ('{"password": "abcd", "user": "x"}', f'{{"password": "{MASK}", "user": "x"}}'),
        ("Server=x;Password=ab!c;Database=y", f"Server=x;Password={MASK};Database=y"),
        ("the password for prod is Tr0ub&4, ok?", f"the password for prod is {MASK}, ok?"),
        ("password hunter22", f"password {MASK}"),
        ("new wifi password: sunny-day-in-may", f"new wifi password: {MASK}"),
        ("Kennwort lautet Sommer!26", f"Kennwort lautet {MASK}"),
        ("mot de passe : Soleil42!", f"mot de passe : {MASK}"),
        ("la contraseña es Verano26!", f"la contraseña es {MASK}"),
        ("ПАРОЛЬ: Лето2026", f"ПАРОЛЬ: {MASK}"),
        ("密码是Ab3dE5，请改", f"密码是{MASK}，请改"),
        ("パスワードは「ab3dE5」です", f"パスワードは「{MASK}」です"),
        ("비밀번호는 ab3dE5!", f"비밀번호는 {MASK}"),
        ("رمز عبور سرور: ab3dE5 است", f"رمز عبور سرور: {MASK} است"),
        ("my PIN is 4711", f"my PIN is {MASK}"),
        ("token: 9f86d081884c", f"token: {MASK}"),
        ("dbToken=9f86d081884c", f"dbToken={MASK}"),
        (r"{\"apiKey\": \"9f86d081884c\"}", rf"{{\"apiKey\": \"{MASK}\"}}"),
        ("<password>summer</password>", f"<password>{MASK}</password>"),
        ('<item id="1"><api-key>9f86d081884c</api-key>', f'<item id="1"><api-key>{MASK}</api-key>'),
        ("changed the pw from oldFish7! to newFish8!", f"changed the pw from {MASK} to {MASK}"),
        ("password is Tr0ub4dor or S3sam3x", f"password is {MASK} or {MASK}"),
        ("REDIS_AUTH='h8#kLp2!vvQ'", f"REDIS_AUTH='{MASK}'"),
        ('if password == "hunter22":', f'if password == "{MASK}":'),
    ],
)
def test_the_value_behind_the_name_of_a_secret_is_masked(text, shown):
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "password: ${DB_PASSWORD}",
        "password: minimum 12 characters",
        "Passwort: vergessen",
        "Passwort: Zurücksetzung",
        "the password is incorrect",
        "Is the password stored in plain text?",
        "password_reset_url=https://x.io",
        "PASSWORD_HASH_ROUNDS: 12",
        "passport: AB1234567",
        "password = process.env.DB_PASSWORD",
        'password = os.environ["DB_PASSWORD"]',
        "api_key=settings.OPENAI_KEY",
        "if password == confirm_password:",
        "PASS: test_login_with_expired_token",
        "<th>Password</th><td>Token</td>",
        "<password>${DB_PASSWORD}</password>",
        "changed the password from the admin page to the profile",
        "auth=basic; token=user@example.com",
        "compass=north",
        "sort key: created_at",
        "private key: ed25519",
        "Issue key: PROJ-1234",
        "token limit: 128000",
        "max_tokens=4096",
        "secret: Santa",
        "the secret to a good start is rest",
        "code: 404",
        "pin: numpy==1.26.4",
        "monkey: banana2000",
        "arn:aws:secretsmanager:eu-west-1:1:secret:shop/db-a1B2c3",
    ],
)
def test_a_text_about_secrets_is_shown(text):
    assert masked(text) == text
