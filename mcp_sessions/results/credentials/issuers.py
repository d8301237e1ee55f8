"""The shapes that issuers give their keys: one named line each.

Shapes are facts of the issuers' documentation and of what they hand out. To add one, add a line; the
test of this module is the table itself.
"""

from typing import Final, NamedTuple

_ID = r"[A-Za-z0-9_-]"  # what most keys are made of
_ALNUM = r"[A-Za-z0-9]"
_BASE64 = r"[A-Za-z0-9+/=_-]"
# A look-ahead gives nothing back (`++`), or a text of first letters alone would take long.
_WITH_DIGIT = r"(?=[A-Za-z_-]{0,64}+[0-9])"
_WITH_UPPER = r"(?=[a-z0-9_-]{0,64}+[A-Z])"

_NOT_PUBLISHABLE = "(?<!pk_live_)(?<!pk_test_)"  # keys that stand in every page of a shop


class Issuer(NamedTuple):
    """An issuer's keys: how they begin, and a pattern of what follows.

    The pattern takes all that belongs to the key, and never gives anything back. `example` is
    masked whole; `counter_example` begins in the same way and is left as it is.
    """

    name: str
    starts: tuple[str, ...]
    rest: str
    example: str
    counter_example: str


def _most(characters: str, fewest: int) -> str:
    return f"{characters}{{{fewest},}}+"


ISSUERS: Final = (
    # Models and what is built round them.
    Issuer("OpenAI", ("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"), _most(_ID, 6), "sk-proj-a1B2c3D4", "sk-proj-x"),
    Issuer("Anthropic", ("sk-ant-",), _most(_ID, 6), "sk-ant-api03-a1B2c3", "sk-ant-1"),
    Issuer("OpenRouter", ("sk-or-",), _most(_ID, 6), "sk-or-v1-0a1b2c3d", "sk-or-not"),
    Issuer("Langfuse", ("sk-lf-",), _most(_ID, 6), "sk-lf-0a1b2c3d", "sk-lf-ok"),
    Issuer("OpenAI and others, plain", ("sk-", "sk_", "rk-", "rk_", "pk_"), rf"(?={_ALNUM}{{0,64}}+(?![-_])){_WITH_DIGIT}{_most(_ALNUM, 16)}", "sk-a1b2c3d4e5f6a7b8", "sk-learn-pipeline-v2"),
    Issuer("OpenAI and others, mixed", ("sk-", "sk_", "rk-", "rk_"), rf"{_WITH_DIGIT}{_WITH_UPPER}{_most(_ID, 12)}", "sk-Ab1-c2D3e4F5g", "sk-learn-pipeline2-for-titanic"),
    Issuer("LangSmith", ("lsv2_",), _most(_ID, 12), "lsv2_pt_0a1b2c3d4e", "lsv2_migration"),
    Issuer("Hugging Face", ("hf_", "api_org_"), rf"(?=[a-z0-9]{{0,64}}+[A-Z]|[A-Za-z]{{0,64}}+[0-9])(?!transfer|hub|dataset){_most(_ALNUM, 16)}", "hf_AbCdEfGhIjKlMnOp", "hf_transfer2"),
    Issuer("Groq", ("gsk_",), _most(_ALNUM, 16), "gsk_a1B2c3D4e5F6g7H8", "gsk_vaccine"),
    Issuer("xAI", ("xai-",), rf"{_WITH_DIGIT}{_most(_ID, 16)}", "xai-a1B2c3D4e5F6g7H8", "xai-explainability-workshop"),
    Issuer("Perplexity", ("pplx-",), _most(_ALNUM, 16), "pplx-a1B2c3D4e5F6g7H8", "pplx-70b-online"),
    Issuer("Replicate", ("r8_",), _most(_ALNUM, 16), "r8_a1B2c3D4e5F6g7H8", "r8_v10"),
    Issuer("NVIDIA", ("nvapi-",), _most(_ID, 12), "nvapi-a1B2c3D4e5F6", "nvapi-docs"),
    Issuer("Fireworks", ("fw_",), rf"{_WITH_DIGIT}{_most(_ALNUM, 20)}", "fw_a1B2c3D4e5F6g7H8i9J0", "fw_update2"),
    Issuer("Weights & Biases", ("wandb_v1_",), _most(_ID, 12), "wandb_v1_a1B2c3D4e5F6", "wandb_v1_setup"),
    Issuer("Pinecone", ("pcsk_",), _most(_ID, 12), "pcsk_a1B2c3_D4e5F6", "pcsk_index"),
    Issuer("Tavily", ("tvly-",), _most(_ID, 12), "tvly-dev-a1B2c3D4", "tvly-search"),
    Issuer("Firecrawl", ("fc-",), r"[0-9a-f]{24,}+", "fc-0a1b2c3d4e5f0a1b2c3d4e5f", "fc-barcelona"),
    Issuer("Everruns", ("evr_pat_", "evr_", "evrs_"), rf"(?:[a-z]{{2,9}}_)?{_most(_ID, 8)}", "evr_pat_0a1b2c3d", "evr_pat_your"),
    # Code and its delivery.
    Issuer("GitHub", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"), _most(r"[A-Za-z0-9_.-]", 8), "ghp_a1B2c3D4e5", "ghp_x"),
    Issuer("GitLab", ("glpat-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-", "glsoat-", "glffct-", "glwt-", "GR1348941"), rf"{_most(_ID, 8)}(?:\.[\w-]++)*+", "glpat-a1B2c3D4.01.0a1b", "glrt-x"),
    Issuer("Bitbucket", ("ATBB", "ATCTT3x"), rf"{_WITH_DIGIT}{_most(_BASE64, 20)}", "ATBBa1B2c3D4e5F6g7H8i9J0", "ATBBQ"),
    Issuer("Atlassian", ("ATATT3x", "ATSTT3x"), _most(_BASE64, 8), "ATATT3xFfGF0a1B2c3", "ATATT3"),
    Issuer("npm", ("npm_",), rf"(?={_ALNUM}{{16}})(?=[A-Za-z]{{0,64}}+[0-9]|[a-z]{{1,64}}+[A-Z]){_most(_ALNUM, 16)}", "npm_a1B2c3D4e5F6g7H8", "npm_config_registry"),
    Issuer("PyPI", ("pypi-",), rf"{_WITH_DIGIT}{_WITH_UPPER}{_most(_ID, 16)}", "pypi-AgEIcHlwaS5vcmc1a2B3", "pypi-release-2026-candidate"),
    Issuer("RubyGems", ("rubygems_",), r"[0-9a-f]{16,}+", "rubygems_0a1b2c3d4e5f0a1b", "rubygems_2026"),
    Issuer("NuGet", ("oy2",), r"[a-z0-9]{40,}+", "oy2a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v", "oy2k"),
    Issuer("Clojars", ("CLOJARS_",), r"[0-9a-f]{20,}+", "CLOJARS_0a1b2c3d4e5f0a1b2c3d", "CLOJARS_TOKEN"),
    Issuer("Docker", ("dckr_pat_", "dckr_oat_"), _most(_ID, 8), "dckr_pat_a1B2c3D4", "dckr_pat_x"),
    Issuer("CircleCI", ("CCIPAT_", "CCIPRJ_"), _most(_ID, 12), "CCIPAT_a1B2c3_0a1b2c", "CCIPAT_x"),
    Issuer("Buildkite", ("bkua_", "bkaj_", "bkct_", "bkpt_", "bkcq_"), r"[0-9a-z]{16,}+", "bkua_0a1b2c3d4e5f0a1b", "bkua_docs"),
    Issuer("Prefect", ("pnu_", "pnb_"), _most(_ALNUM, 16), "pnu_a1B2c3D4e5F6g7H8", "pnu_docs"),
    Issuer("SonarQube", ("squ_", "sqp_", "sqa_"), r"[0-9a-f]{16,}+", "squ_0a1b2c3d4e5f0a1b", "squ_ads"),
    Issuer("Snyk", ("snyk_uat.", "snyk_sat."), _most(r"[A-Za-z0-9_.-]", 12), "snyk_uat.a1B2c3D4e5F6", "snyk_uat.x"),
    Issuer("Sourcegraph", ("sgp_", "slk_"), r"(?:[0-9a-f]{16}_|local_)?[0-9a-f]{20,}+", "sgp_0a1b2c3d4e5f0a1b_0a1b2c3d4e5f0a1b2c3d", "sgp_tour"),
    Issuer("Terraform Cloud", (), r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{16,}+", "a1B2c3D4e5F6g7.atlasv1.a1B2c3D4e5F6g7H8", "app.atlasv1.x"),
    Issuer("Pulumi", ("pul-",), r"[0-9a-f]{16,}+", "pul-0a1b2c3d4e5f0a1b", "pul-request"),
    Issuer("Postman", ("PMAK-", "PMAT-"), _most(_ID, 8), "PMAK-0a1b2c3d-4e5f", "PMAK-x"),
    Issuer("JFrog", ("AKCp", "cmVmdGtuO"), _most(_ALNUM, 20), "AKCp8a1B2c3D4e5F6g7H8i9J0", "AKCp8"),
    Issuer("Fly.io", ("FlyV1 fm2_", "FlyV1 fm1", "fm2_", "fo1_"), rf"{_WITH_DIGIT}[A-Za-z0-9+/=_,-]{{16,}}+", "FlyV1 fm2_a1B2c3D4e5F6g7H8", "fm2_radio"),
    Issuer("Vercel", ("vcp_", "vci_", "vca_", "vcr_", "vck_"), rf"{_WITH_DIGIT}{_most(_ALNUM, 16)}", "vcp_a1B2c3D4e5F6g7H8", "vcr_player"),
    Issuer("Netlify", ("nfp_", "nfc_", "nfo_", "nfu_"), _most(_ALNUM, 16), "nfp_a1B2c3D4e5F6g7H8", "nfc_reader"),
    Issuer("Heroku", ("HRKU-",), _most(_ID, 12), "HRKU-0a1b2c3d-4e5f-0a1b", "HRKU-x"),
    Issuer("Render", ("rnd_",), _most(_ALNUM, 16), "rnd_a1B2c3D4e5F6g7H8", "rnd_seed"),
    Issuer("Doppler", ("dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."), _most(r"[A-Za-z0-9_.-]", 12), "dp.st.dev.a1B2c3D4e5", "dp.st.x"),
    Issuer("Infisical", ("st.",), r"[0-9a-f-]{16,}+\.[0-9a-f]{16,}+\.[0-9a-f]{16,}+", "st.0a1b2c3d4e5f0a1b.0a1b2c3d4e5f0a1b.0a1b2c3d4e5f0a1b", "st.petersburg"),
    Issuer("Vault", ("hvs.", "hvb.", "hvr."), _most(_ID, 12), "hvs.a1B2c3D4e5F6", "hvs.x"),
    Issuer("Vault, older", ("s.",), rf"(?=[a-z0-9]{{0,24}}+[A-Z])(?=[A-Za-z]{{0,24}}+[0-9]){_ALNUM}{{24}}(?!{_ALNUM})", "s.a1B2c3D4e5F6g7H8i9J0k1L2", "s.o.s"),
    Issuer("1Password", ("ops_eyJ", "A3-"), rf"{_WITH_DIGIT}[A-Za-z0-9_.=-]{{20,}}+", "ops_eyJzaWduSW5BZGRyZXNz1a2b3c", "A3-poster-size"),
    Issuer("Bitwarden", (), r"0\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[A-Za-z0-9]{20,40}+:[A-Za-z0-9+/]{16,44}+={0,2}", "0.0a1b2c3d-0a1b-4c3d-8e5f-0a1b2c3d4e5f.a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5:a1B2c3D4e5F6g7H8i9J0kQ==", "0.0a1b2c3d-0a1b"),
    Issuer("age", ("AGE-SECRET-KEY-",), _most(_ALNUM, 12), "AGE-SECRET-KEY-1QQPQDXQ0A1B2", "AGE-SECRET-KEY-x"),
    # Clouds.
    Issuer("AWS key id", ("AKIA", "ASIA", "ABIA", "ACCA"), r"(?=[A-Z2-7]{16}(?![A-Za-z0-9])|[A-Z0-9]{16}(?![A-Za-z0-9]))[A-Z0-9]{16}", "AKIAIOSFODNN7EXAMPLE", "ASIA2026MARKETING"),
    Issuer("AWS secret of the documentation", ("wJalrXUtnFEMI", "je7MtGbClwBF"), r"[A-Za-z0-9/+]{8,}+", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
    Issuer("AWS Bedrock", ("ABSK", "bedrock-api-key-"), _most(_BASE64, 20), "ABSKa1B2c3D4e5F6g7H8i9J0", "ABSKY"),
    Issuer("AWS session token", ("FwoGZXIvYXdz", "IQoJb3JpZ2lu", "FQoGZXIvYXdz"), _most(_BASE64, 8), "IQoJb3JpZ2luX2VjEJr1a2B3", "IQoJb3J"),
    Issuer("Google API", ("AIza",), _most(_ID, 16), "AIzaSyA1b2C3d4E5f6G7h", "AIzaSy"),
    Issuer("Google OAuth", ("GOCSPX-", "ya29.", "1//0"), _most(r"[A-Za-z0-9_.-]", 8), "GOCSPX-a1B2c3D4e5", "ya29.x"),
    Issuer("Azure client secret", (), r"[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{16,}+", "a1B8Q~a1B2c3D4e5F6g7H8i9J0k1L2", "FAQ8Q~x"),
    Issuer("Azure DevOps", (), r"[A-Za-z0-9]{72,80}AZDO[A-Za-z0-9]{4}(?![A-Za-z0-9])", "a1B2c3D4e5F6" * 6 + "a1B2AZDO1a2B", "AZDO2026"),
    Issuer("Azure keys", (), r"(?=[A-Za-z0-9+/]{30,120}+={0,2}(?![A-Za-z0-9+/=]))[A-Za-z0-9+/]{30,90}?(?:\+AStA?|AzCa|AzFu|\+ARm|\+ASb|ACDb|APIM|AIoT|\+ACR)[A-Za-z0-9+/]{1,40}+={0,2}", "a1B2c3D4e5" * 7 + "+AStA1B2==", "AStA"),
    Issuer("DigitalOcean", ("dop_v1_", "doo_v1_", "dor_v1_"), _most(_ALNUM, 8), "dop_v1_0a1b2c3d", "dop_v1_x"),
    Issuer("Cloudflare", ("v1.0-",), r"[0-9a-f]{16,}+-[0-9a-f]{16,}+", "v1.0-0a1b2c3d4e5f0a1b-0a1b2c3d4e5f0a1b", "v1.0-2026"),
    Issuer("Alibaba Cloud", ("LTAI",), rf"{_WITH_DIGIT}{_most(_ALNUM, 12)}", "LTAI5ta1B2c3D4e5", "LTAI"),
    Issuer("Tencent Cloud", ("AKID",), rf"{_WITH_DIGIT}{_WITH_UPPER}{_most(_ALNUM, 24)}", "AKIDa1B2c3D4e5F6g7H8i9J0k1L2", "AKID"),
    Issuer("Yandex Cloud", ("AQVN", "t1.9eu", "y0_"), _most(_ID, 16), "AQVNa1B2c3D4e5F6g7H8", "y0_axis"),
    Issuer("Tailscale", ("tskey-",), _most(_ID, 8), "tskey-auth-a1B2c3", "tskey-x"),
    Issuer("Databricks", ("dapi", "dose", "dkea"), r"[0-9a-f]{32}(?:-[0-9])?(?![0-9A-Za-z])", "dapi0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d", "dapi2026"),
    # Databases.
    Issuer("Supabase", ("sbp_", "sb_secret_"), _most(_ID, 12), "sbp_0a1b2c3d4e5f0a1b", "sbp_docs"),
    Issuer("Neon", ("napi_", "npg_"), _most(_ALNUM, 8), "npg_a1B2c3D4e5", "napi_rs"),
    Issuer("PlanetScale", ("pscale_pw_", "pscale_tkn_", "pscale_oauth_", "pscale_api_"), _most(r"[A-Za-z0-9_.=-]", 8), "pscale_pw_a1B2c3D4", "pscale_pw_x"),
    Issuer("ClickHouse", ("4b1d",), rf"{_WITH_UPPER}{_WITH_DIGIT}{_ALNUM}{{38}}(?!{_ALNUM})", "4b1d" + "a1B2c3D4e5" * 3 + "a1B2c3D4", "4b1d0a"),
    # Messages and mail.
    Issuer("Slack", ("xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxc-", "xoxd-", "xoxe-", "xoxe.", "xapp-", "xwfp-"), _most(r"[A-Za-z0-9%._-]", 6), "xoxb-0123-a1B2c3", "xoxb-x"),
    Issuer("Telegram bot", (), r"[0-9]{8,10}:A[A-Za-z0-9_-]{33,}+", "0123456789:AAa1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6Q", "12:AM"),
    Issuer("Discord bot", (), r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}+", "MTA1B2c3D4e5F6g7H8i9J0k1.a1B2c3.a1B2c3D4e5F6g7H8i9J0k1L2m3N", "Mr.Smith.jr"),
    Issuer("SendGrid", ("SG.",), r"[\w-]{8,64}+\.[\w-]{8,}+", "SG.a1B2c3D4e5.a1B2c3D4e5", "SG.Singapore"),
    Issuer("Mailgun", ("key-", "pubkey-"), r"[0-9a-f]{32}(?![0-9A-Za-z])", "key-0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d", "key-2026"),
    Issuer("Mailgun, newer", (), r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![0-9A-Za-z-])", "0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d-0a1b2c3d-0a1b2c3d", "0a1b2c3d-0a1b2c3d"),
    Issuer("Mailchimp", (), r"[0-9a-f]{32}-us[0-9]{1,2}(?![0-9A-Za-z])", "0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d-us21", "0a1b2c3d-us21"),
    Issuer("Mandrill", ("md-",), rf"{_WITH_DIGIT}{_WITH_UPPER}{_most(_ID, 20)}", "md-a1B2c3D4e5F6g7H8i9J0k1", "md-table-2026"),
    Issuer("Brevo", ("xkeysib-", "xsmtpsib-"), _most(_ID, 12), "xkeysib-0a1b2c3d4e5f0a1b", "xkeysib-x"),
    Issuer("Resend", ("re_",), rf"{_WITH_DIGIT}{_WITH_UPPER}[A-Za-z0-9]{{6,}}+_?[A-Za-z0-9]{{6,}}+", "re_a1B2c3D4_e5F6g7H8i9J0", "re_order2"),
    Issuer("Several, test and live", ("sk_test_", "sk_live_", "sk_prod_"), _most(_ID, 8), "sk_test_a1B2c3D4", "sk_test_x"),
    Issuer("Twilio", ("SK",), r"[0-9a-f]{32}(?![0-9A-Za-z])", "SK0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d", "SK2026"),
    Issuer("Lob, MessageBird", ("live_", "test_"), rf"{_NOT_PUBLISHABLE}{_WITH_DIGIT}(?=[a-z0-9]{{0,64}}+[A-Z]|[0-9a-f]{{32}}|[A-Za-z]{{2,64}}+[0-9]){_ALNUM}{{20,}}+", "live_a1B2c3D4e5F6g7H8i9J0", "test_login_with_2_users"),
    # Money and shops.
    Issuer("Stripe", ("sk_live_", "rk_live_", "rk_test_", "sk_org_", "whsec_"), _most(_ID, 8), "sk_live_a1B2c3D4", "rk_live_x"),
    Issuer("Square", ("sq0atp-", "sq0csp-", "sq0idp-", "EAAA"), rf"(?:(?<=-)|{_WITH_DIGIT}{_WITH_UPPER})[A-Za-z0-9_-]{{16,}}+", "sq0atp-a1B2c3D4e5F6g7H8", "EAAAsport"),
    Issuer("Braintree", ("access_token$production$", "access_token$sandbox$"), _most(r"[a-z0-9$]", 12), "access_token$production$0a1b2c3d4e5f", "access_token$sandbox$x"),
    Issuer("Plaid", ("access-production-", "access-sandbox-", "access-development-"), r"[0-9a-f-]{12,}+", "access-sandbox-0a1b2c3d-4e5f", "access-production-data"),
    Issuer("Shopify", ("shpat_", "shpss_", "shpca_", "shppa_", "shptka_", "shpua_"), _most(_ID, 8), "shpat_0a1b2c3d", "shpat_x"),
    Issuer("Flutterwave", ("FLWSECK_TEST-", "FLWSECK-"), _most(_ID, 12), "FLWSECK_TEST-0a1b2c3d4e5f", "FLWSECK-x"),
    Issuer("Razorpay", ("rzp_live_", "rzp_test_"), _most(_ALNUM, 8), "rzp_live_a1B2c3D4", "rzp_test_x"),
    Issuer("EasyPost", ("EZAK", "EZTK"), _most(_ALNUM, 24), "EZAK0a1b2c3d4e5f0a1b2c3d4e5f", "EZAK2026"),
    Issuer("Shippo", ("shippo_live_", "shippo_test_"), _most(_ALNUM, 12), "shippo_live_0a1b2c3d4e5f", "shippo_test_x"),
    Issuer("Duffel", ("duffel_live_", "duffel_test_"), _most(_ID, 12), "duffel_test_a1B2c3D4e5F6", "duffel_test_x"),
    Issuer("GoCardless", ("live_", "sandbox_"), rf"{_NOT_PUBLISHABLE}{_WITH_DIGIT}{_WITH_UPPER}{_most(_ID, 24)}", "sandbox_a1B2c3D4e5F6-7H8i9J0k1L2", "sandbox_2026_setup"),
    # Watching and searching.
    Issuer("New Relic", ("NRAK-", "NRII-", "NRIQ-", "NRAA-", "NRJS-", "NRRA-", "NRSP-"), _most(_ID, 12), "NRAK-0A1B2C3D4E5F", "NRAK-x"),
    Issuer("Datadog", ("ddapp_", "ddapi_", "ddpat_"), _most(_ALNUM, 12), "ddapp_a1B2c3D4e5F6", "ddapp_x"),
    Issuer("Sentry", ("sntrys_", "sntryu_", "sntrya_", "sntryi_"), _most(_BASE64, 8), "sntrys_eyJpYXQiOjE3", "sntryu_x"),
    Issuer("Grafana", ("glsa_", "glc_", "eyJrIjoi"), _most(_BASE64, 8), "glsa_a1B2c3D4", "glsa_x"),
    Issuer("Honeycomb", ("hcaik_", "hcbik_", "hcxik_", "hcamk_"), _most(_ALNUM, 12), "hcaik_01a1b2c3d4e5f6", "hcaik_x"),
    Issuer("PostHog", ("phx_", "phs_"), _most(_ALNUM, 16), "phx_a1B2c3D4e5F6g7H8", "phx_airport"),
    Issuer("Dynatrace", ("dt0c01.", "dt0s01.", "dt0s16."), _most(r"[A-Z0-9.]", 12), "dt0c01.A1B2C3D4E5F6.G7H8", "dt0c01.X"),
    Issuer("Axiom", ("xaat-", "xapt-"), _most(_ID, 12), "xaat-0a1b2c3d-4e5f", "xaat-x"),
    Issuer("LaunchDarkly", ("api-", "sdk-", "mob-"), r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "sdk-0a1b2c3d-4e5f-0a1b-2c3d-4e5f0a1b2c3d", "api-2026-11-25"),
    # Work.
    Issuer("Notion", ("ntn_", "secret_"), rf"{_WITH_DIGIT}{_most(_ALNUM, 16)}", "ntn_a1B2c3D4e5F6g7H8", "secret_santa2"),
    Issuer("Linear", ("lin_api_", "lin_oauth_", "lin_wh_"), _most(_ALNUM, 8), "lin_api_a1B2c3D4", "lin_api_x"),
    Issuer("ClickUp", ("pk_",), r"[0-9]{5,12}_[0-9A-Z]{24,}+", "pk_1234567_0A1B2C3D4E5F6G7H8I9J0K1L2M3N4O5P", "pk_2026_ORDERS"),
    Issuer("Figma", ("figd_", "figo_", "figoh_", "figor_"), _most(_ID, 8), "figd_a1B2c3D4", "figd_x"),
    Issuer("Airtable", (), r"pat[A-Za-z0-9]{14}\.[0-9a-f]{16,}+", "pata1B2c3D4e5F6g7.0a1b2c3d4e5f0a1b", "patch.0a1b"),
    Issuer("HubSpot", ("pat-na1-", "pat-na2-", "pat-eu1-", "pat-ap1-"), r"[0-9a-f-]{8,}+", "pat-na1-0a1b2c3d-4e5f", "pat-na1-west"),
    Issuer("Asana", (), r"[0-9]/[0-9]{12,20}(?:/[0-9]{12,20})?:[0-9a-f]{32}", "1/0123456789012345:0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d", "1/2026:12"),
    Issuer("Typeform", ("tfp_",), _most(_ID, 12), "tfp_a1B2c3D4e5F6", "tfp_x"),
    Issuer("Contentful", ("CFPAT-",), _most(_ID, 12), "CFPAT-a1B2c3D4e5F6", "CFPAT-x"),
    Issuer("Frame.io", ("fio-u-",), _most(_ID, 12), "fio-u-a1B2c3D4e5F6", "fio-u-x"),
    Issuer("Dropbox", ("sl.",), rf"{_WITH_DIGIT}{_WITH_UPPER}[A-Za-z0-9_.-]{{20,}}+", "sl.B0a1B2c3D4e5F6g7H8i9J0", "sl.a"),
    Issuer("ReadMe", ("rdme_",), r"[a-z0-9]{16,}+", "rdme_xn8s9h0a1b2c3d4e", "rdme_x"),
    Issuer("Adafruit IO", ("aio_",), rf"{_WITH_DIGIT}{_most(_ALNUM, 16)}", "aio_a1B2c3D4e5F6g7H8", "aio_pika"),
    Issuer("Mapbox", ("sk.eyJ", "tk.eyJ"), _most(r"[A-Za-z0-9_.-]", 12), "sk.eyJ1IjoiYTFiMmMz.a1", "sk.eyJ"),
    Issuer("Facebook", ("EAAC", "EAAB", "EAAG", "EAAJ", "EAAD", "EAAM"), rf"{_WITH_DIGIT}{_most(_ALNUM, 16)}", "EAACa1B2c3D4e5F6g7H8", "EAACmember"),
    Issuer("Instagram", ("IGQV", "IGAA"), rf"{_WITH_DIGIT}{_most(_ALNUM, 16)}", "IGQVa1B2c3D4e5F6g7H8", "IGAA"),
    Issuer("Twitter", ("AAAAAAAAAAAAAAAAAAAAA",), _most(r"[A-Za-z0-9%]", 16), "AAAAAAAAAAAAAAAAAAAAAMLhe1a2B3c4D5e6F7g8", "AAAAAAAAAAAAAAAAAAAAAA"),
    Issuer("Twitch", ("oauth:",), _most(_ALNUM, 20), "oauth:a1b2c3d4e5f6g7h8i9j0", "oauth:2026"),
    Issuer("Okta", ("00",), rf"(?=[a-zA-Z0-9_-]{{40}}(?![A-Za-z0-9_-]))(?=[a-z0-9_-]{{0,40}}+[A-Z])(?=[A-Z0-9_-]{{0,40}}+[a-z]){_ID}{{40}}", "00a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0", "00-index"),
    Issuer("Zuplo", ("zpka_",), _most(_ID, 12), "zpka_0a1b2c3d4e5f", "zpka_x"),
    Issuer("Cal.com", ("cal_live_", "cal_test_"), _most(_ALNUM, 8), "cal_live_0a1b2c3d", "cal_test_x"),
    # What many issue.
    Issuer("JWT, JWE", ("eyJ",), r"(?=[\w-]{6,64}+(?:\.(?:\.|[\w-]{4})|[\w-]))[\w-]++(?:\.[\w-]*+)*+", "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSM", "eyJust"),
    Issuer("PASETO", ("v1.local.", "v2.local.", "v3.local.", "v4.local.", "v1.public.", "v2.public.", "v3.public.", "v4.public."), _most(r"[\w.-]", 12), "v4.local.a1B2c3D4e5F6.a1B2", "v4.public.x"),
    Issuer("Hash of a password", (), r"\$(?:[156y]|2[abxy]|argon2(?:id?|d)|7|gy)\$(?=[^\s:\"']{24})[A-Za-z0-9./$,=+-]++", "$6$a1B2c3D4$a1B2c3D4e5F6.7H8/9J0k1L2", "$2b$12"),
    Issuer("Private key", ("-----BEGIN ", "---- BEGIN "), r"(?:[A-Z0-9]{1,12} ){0,3}(?:PRIVATE KEY|SSH2? ?ENCRYPTED PRIVATE KEY)(?: BLOCK)? ?----.*+", "-----BEGIN RSA PRIVATE KEY----- MIIE", "-----BEGIN CERTIFICATE-----"),
    Issuer("PuTTY private key", ("PuTTY-User-Key-File-",), r"[23]:.*+", "PuTTY-User-Key-File-3: ssh-ed25519 x", "PuTTY-User-Key-File-s"),
)  # fmt: skip
