"""What secrets are called, in variables and in the languages of those who write titles."""

import re
from functools import cache
from typing import Final, Literal

from mcp_sessions.results.credentials.folded import fold

Kind = Literal["password", "secret", "pin", "weak"]

NAMES: Final[dict[Kind, tuple[str, ...]]] = {
    # What a person chooses: a value may be any word.
    "password": (
        "password", "passwd", "passphrase", "pass phrase", "passcode", "pass", "pwd", "pword",
        "pw", "kennwort", "passwort", "zugangscode", "mot de passe", "mdp", "contraseña", "clave",
        "senha", "palavra-passe", "parola", "wachtwoord", "lösenord", "passord", "adgangskode",
        "salasana", "hasło", "heslo", "jelszó", "şifre", "şifresi", "parolası", "пароль",
        "пароля", "пароле", "κωδικός", "كلمة المرور", "كلمة السر", "كلمة مرور", "الرمز السري",
        "رمز عبور", "گذرواژه", "پسورد", "סיסמה", "סיסמא",
        "הסיסמה", "पासवर्ड", "密码", "密碼", "口令",
        "パスワード", "暗証番号", "비밀번호", "암호",
        "패스워드", "mật khẩu", "kata sandi", "kata laluan",
        "รหัสผ่าน", "nenosiri", "wagwoord", "парола", "лозинка", "lozinka", "geslo", "parool",
        "parole", "slaptažodis", "contrasenya", "contrasinal", "pasahitza", "cyfrinair",
        "pasfhocal", "lykilorð", "fjalëkalimi", "პაროლი", "գաղտնաբառ", "şifrə", "parol",
        "құпиясөз", "پاس ورڈ", "পাসওয়ার্ড", "கடவுச்சொல்", "పాస్‌వర్డ్", "нууц үг", "የይለፍ ቃል",
        "pasvorto", "lösenordet", "passordet", "adgangskoden", "parolam", "şifrem", "jelszavam",
        "паролем", "паролю", "κωδικό", "identified by", "requirepass", "masterauth",
    ),
    # What a machine draws: a value has digits, or is long.
    "secret": (
        "secret", "secrets", "apikey", "api key", "api-key", "api_key", "access key",
        "access-key", "access_key", "accesskey", "accountkey", "private key", "private_key",
        "privatekey", "auth key", "auth_key", "authkey", "auth token", "auth-token", "auth_token",
        "authtoken", "access token", "access-token", "access_token", "accesstoken", "api token",
        "api-token", "api_token", "bearer token", "refresh token", "refresh_token", "id_token",
        "encryption key", "encryption_key", "signing key", "signing_key", "master key",
        "master_key", "license key", "client_secret", "secret key", "secret_key", "storage key",
        "recovery key", "service key", "pairing code", "sharedaccesskey", "instrumentationkey",
        "credentials", "geheimnis", "api-schlüssel", "clé secrète", "clé api", "clave secreta",
        "clave api", "clave de api", "chave de api", "chave secreta", "секрет", "секретный ключ",
        "секретний ключ", "ключ api", "密钥", "密鑰",
        "秘密鍵", "apiキー", "비밀 키", "api 키", "مفتاح",
        "klucz api", "api anahtarı",
    ),
    "pin": (
        "pin", "pin code", "otp", "2fa code", "one-time code", "verification code", "tan", "puk",
    ),
    # What is as often no secret: a value has to look like one.
    "weak": (
        "key", "token", "credential", "cookie", "signature", "sig", "jwt", "auth", "session",
        "sessionid", "sid", "nonce", "passkey", "salt", "sas", "code", "schlüssel", "clé",
        "llave", "chave", "токен", "ключ", "令牌", "トークン", "토큰", "x-amz-signature",
        "x-goog-signature", "csrf", "xsrf",
    ),
}  # fmt: skip
"""How secrets are called, by how much such a name says of the value behind it."""

IS: Final = (
    "is now", "is", "from", "was", "are", "ist", "lautet", "est", "es", "e", "är", "er", "on", "to",
    "je", "olarak", "هو", "هي", "است", "היא", "הוא", "है", "là", "adalah", "это", "->", "=>", "→",
    "=", ":", "是", "为", "為", "は", "が", "를", "는",
    "은", "이", "가", "คือ", "είναι", "ni", "este", "è",
    "ir", "yra", "është", "és", "არის", "է", "ہے", "це", "теперь", "тепер",
)  # fmt: skip
"""What stands before the value."""


NOW: Final = (
    "now",
    "jetzt",
    "nun",
    "maintenant",
    "ahora",
    "agora",
    "adesso",
    "nu",
    "теперь",
    "тепер",
)
"""What may stand between "is" and the value."""


@cache
def kinds() -> dict[str, Kind]:
    """Return the kind of each name, folded and in lower case."""
    return {form: kind for kind, names in NAMES.items() for name in names for form in _forms(name)}


def any_of(words: tuple[str, ...]) -> str:
    """Return a pattern of any of the words, folded and in lower case, the longest first."""
    return alternatives({form for word in words for form in _forms(word)})


def alternatives(words: set[str]) -> str:
    """Return a pattern of any of the words as they are, by their first characters: faster."""
    by_first: dict[str, list[str]] = {}
    for word in sorted(words, key=len, reverse=True):
        by_first.setdefault(word[0], []).append(re.escape(word[1:]))
    return "|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in by_first.items())


def _forms(word: str) -> set[str]:
    """Return a word as each of its spellings is folded: a capital may look like another letter."""
    return {fold(form).lower for form in (word, word.upper(), word.capitalize())}
