import pytest

from mcp_sessions.results.credentials.mask import MASK, masked


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("curl -u admin:correct https://x", f"curl -u admin:{MASK} https://x"),
        ("curl --user 'a:b c' x", f"curl --user 'a:{MASK} c' x"),
        ("mysql -u root -phunter shop", f"mysql -u root -p{MASK} shop"),
        ("sshpass -p hunter ssh a@b", f"sshpass -p {MASK} ssh a@b"),
        ("docker login -u me -p hunter", f"docker login -u me -p {MASK}"),
        ("redis-cli -h db -a hunter ping", f"redis-cli -h db -a {MASK} ping"),
        ("htpasswd -cb .htpasswd me hunter", f"htpasswd -cb .htpasswd me {MASK}"),
        ("net use z: //srv/a /user:me hunter", f"net use z: //srv/a /user:me {MASK}"),
        ("smbclient //srv/a -U me%hunter", f"smbclient //srv/a -U me%{MASK}"),
        ("echo 'me:hunter' | sudo chpasswd", f"echo 'me:{MASK}' | sudo chpasswd"),
        (
            "echo hunter | docker login --password-stdin",
            f"echo {MASK} | docker login --password-stdin",
        ),
        ("get(u, auth=('me', 'Sun!Day7'))", f"get(u, auth=('me', '{MASK}'))"),
        ("WIFI:S:Home;T:WPA;P:hunter;;", f"WIFI:S:Home;T:WPA;P:{MASK};;"),
        ("log in as admin / S3cure!Pass", f"log in as admin / {MASK}"),
        ("tool --password hunter --verbose", f"tool --password {MASK} --verbose"),
        ("backup codes: 1234-5678 8765-4321", f"backup codes: {MASK}"),
        (
            "seed phrase: " + " ".join(["apple", "banana", "cherry", "grape"] * 3),
            f"seed phrase: {MASK}",
        ),
    ],
)
def test_what_a_command_keeps_secret_is_masked(command, shown):
    assert masked(command) == shown


@pytest.mark.parametrize(
    "command",
    [
        "docker run -u 1000:1000 -p 8080:80 app",
        "podman run --user node:node app",
        "ssh -p 2222 a@b",
        "mkdir -p src/components/forms",
        "tar -a archive",
        "tool --password-file=/etc/x --verbose",
        "net use z: //srv/a /user:me /persistent:yes",
        "echo $TOKEN | docker login --password-stdin",
        "echo done | tee log",
        "login('user', 'password')",
        "login as admin / editor / viewer2",
        "sign in with user@example.com / Google",
        "recovery codes: where are they?",
        "the seed words are planted in spring and grow until the autumn comes",
    ],
)
def test_a_command_without_a_secret_is_shown(command):
    assert masked(command) == command
