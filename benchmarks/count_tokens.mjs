// A JSON list of texts on stdin, a JSON list of their o200k token counts on stdout.
import { readFileSync } from "node:fs";
import { encode } from "gpt-tokenizer/encoding/o200k_base";

// What looks like a special token is a stranger's text here, and counted as text.
const asText = { allowedSpecial: new Set(), disallowedSpecial: new Set() };
const texts = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => encode(text, asText).length)));
