// Asks a server as a TypeScript program would and prints, as JSON, what it was told.
// Usage: client.mjs legacy|hasty|<revision> <url>|<command and arguments>

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const [era, target, ...args] = process.argv.slice(2);

// Probes the process that it then begins with, where the plain transport probes one of its own.
class SameProcess extends StdioClientTransport {}

function transport() {
    if (target.startsWith('http:')) return new StreamableHTTPClientTransport(new URL(target));
    const { EVERRUNS_API_URL, MCP_SESSIONS_NO_KEY } = process.env;
    const env = { ...getDefaultEnvironment(), EVERRUNS_API_URL, MCP_SESSIONS_NO_KEY };
    const Transport = era === 'hasty' ? SameProcess : StdioClientTransport;
    return new Transport({ command: target, args, env });
}

const negotiations = {
    legacy: { mode: 'legacy' },
    hasty: { mode: 'auto', probe: { timeoutMs: 1 } }, // gives up its probe long before any answer
};
const versionNegotiation = negotiations[era] ?? { mode: { pin: era } };
const client = new Client({ name: 'interop', version: '0' }, { versionNegotiation });
await client.connect(transport());
try {
    const revision = client.getNegotiatedProtocolVersion();
    const { tools } = await client.listTools();
    const call = (name, given) => client.callTool({ name, arguments: given });
    const first = await call('list_sessions', { limit: 5 });
    const second = await call('get_session_page', { cursor: first.structuredContent.next_cursor });
    const wrong = await call('list_sessions', { limit: 101 });
    const unknown = await call('delete_everything', {}).catch(({ code }) => code);
    console.log(JSON.stringify({ revision, tools, first, second, wrong, unknown }));
} finally {
    await client.close();
}
