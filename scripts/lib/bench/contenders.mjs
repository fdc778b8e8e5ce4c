// Starts the servers that scripts/bench compares: an upstream with static
// Bundles, a plain nginx in front of the upstream, and the gateway in front of
// the upstream, with a grant in its Redis.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { startNginx } from '../../../t/lib/nginx.mjs';
import { startRedis } from '../../../t/lib/redis.mjs';
import { TOP, freePort, onEnd, scratchDirectory } from
  '../../../t/lib/scratch.mjs';
import { spawnSandbox } from '../../sandbox/client.mjs';
import { Browser, walk } from '../../sandbox/walk.mjs';
import { authority } from '../ca.mjs';

export const SIZES = { '4 KiB': 4096, '64 KiB': 65536 };

const PACKAGED = '/usr/sbin/nginx';
const HOST = 'bench.localhost';

const COMMON = `
    access_log off;
    sendfile on;
    tcp_nopush off;
    keepalive_timeout 600s;
    keepalive_requests 100000000;`;

// Plain nginx and the gateway have the same proxy settings.
const proxy = () => `
            proxy_pass              http://fhir/r4/;
            proxy_http_version      1.1;
            proxy_set_header        Connection "";
            proxy_buffer_size       8k;
            proxy_buffers           32 8k;`;

const upstream = (port) => `
    upstream fhir {
        server              127.0.0.1:${port};
        keepalive           256;
        keepalive_requests  100000000;
        keepalive_timeout   600s;
    }`;

// Returns the JSON of a Bundle, exactly this many bytes long, with absolute
// links below `base`.
export function bundle(bytes, base) {
  const coding = { system: 'http://loinc.org', code: '29463-7',
                   display: 'Body weight' };
  const observation = (id, text) => ({
    fullUrl: `${base}/Observation/${id}`,
    resource: {
      resourceType: 'Observation', id, status: 'final',
      meta: { lastUpdated: '2026-11-22T08:00:00.000+00:00' },
      code: { coding: [coding], text },
      subject: { reference: 'Patient/ifp-A00000000000005' },
      effectiveDateTime: '2026-11-21T08:00:00+00:00',
      valueQuantity: { value: 81.5, unit: 'kg', code: 'kg',
                       system: 'http://unitsofmeasure.org' },
    },
    search: { mode: 'match' },
  });
  const entry = [];
  const link = ['self', 'next'].map((relation) =>
    ({ relation, url: `${base}?_getpages=1234-5678&_count=10` }));
  const text = () => JSON.stringify({ resourceType: 'Bundle',
                                      type: 'searchset', link, entry });

  while (text().length < bytes - 1400) {
    entry.push(observation(`o-${entry.length}`, 'Body weight, measured'));
  }
  entry.push(observation('last', ''));
  entry.at(-1).resource.code.text = 'x'.repeat(bytes - text().length);
  return text();
}

const fileOf = (size) => `bundle-${SIZES[size]}`;

async function startUpstream(t, directory, cpu) {
  const port = await freePort();
  const root = path.join(directory, 'root');

  mkdirSync(path.join(root, 'r4'), { recursive: true });
  for (const [size, bytes] of Object.entries(SIZES)) {
    writeFileSync(path.join(root, 'r4', fileOf(size)),
                  bundle(bytes, `http://127.0.0.1:${port}/r4`));
  }
  const nginx = await startNginx(t, {
    binary: PACKAGED, module: null,
    http: `${COMMON}
    server {
        listen 127.0.0.1:${port};
        root ${root};
        default_type application/fhir+json;
    }`,
  });
  pin(nginx.workerPids()[0], cpu);
  return port;
}

// Lets a process run only on the processor with this number.
export function pin(pid, cpu) {
  execFileSync('taskset', ['-a', '-p', '-c', cpu, String(pid)],
               { stdio: 'ignore' });
}

async function plainOptions(upstreamPort) {
  const port = await freePort();
  return {
    port,
    options: {
      binary: PACKAGED, module: null,
      http: `${COMMON}${upstream(upstreamPort)}
    server {
        listen 127.0.0.1:${port};

        location /fhir/ {
            proxy_set_header        Authorization "Bearer a-fixed-token-here";
${proxy()}
        }
    }`,
    },
  };
}

// The dance uses TLS, and the load uses a port without TLS, because TLS to the
// caller costs the same with and without the gateway.
async function gatewayOptions(t, directory, upstreamPort, redis) {
  const port = await freePort();
  const tlsPort = await freePort();
  const origin = `https://${HOST}:${tlsPort}`;
  const ca = authority(path.join(directory, 'tls'));
  const { certFile, keyFile } = ca.issueServer('bench', [HOST]);
  const sandbox = await spawnSandbox({
    directory: path.join(directory, 'tls'),
    clients: [{ client_id: 'bench', redirect_uris: [`${origin}/callback`] }],
  });
  onEnd(t, () => sandbox.stop());

  const { info } = sandbox;
  const file = (name, content) => {
    writeFileSync(path.join(directory, name), content, { mode: 0o600 });
    return path.join(directory, name);
  };

  return {
    port, origin, caFile: ca.certFile,
    options: {
      binary: PACKAGED,
      http: `${COMMON}${upstream(upstreamPort)}
    cigna_zone zone=cigna:8m;

    cigna_vault {
        redis  unix:${redis.unixPath};
        keys   ${file('keys', execFileSync(`${TOP}/scripts/keygen`))};
    }

    cigna_tenant bench {
        issuer                  ${info.issuer};
        authorization_endpoint  ${info.authorize};
        token_endpoint          ${info.token};
        jwks_uri                ${info.jwks};
        revocation_endpoint     ${info.revoke};
        trusted_certificate     ${ca.certFile};
        fhir_base               http://127.0.0.1:${upstreamPort}/r4;
        insecure_http           on;
        client_id               bench;
        client_secret_file      ${file('secret',
                                       info.clients[0].client_secret)};
        redirect_uri            ${origin}/callback;
        return_to               ${origin}/;
        scope                   "openid fhirUser patient/*.read";
    }

    cigna_identity           bench alice;
    cigna_insecure_upstream  on;

    server {
        listen               127.0.0.1:${tlsPort} ssl;
        ssl_certificate      ${certFile};
        ssl_certificate_key  ${keyFile};

        location = /connect  { cigna_connect; }
        location = /callback { cigna_callback; }
    }

    server {
        listen 127.0.0.1:${port};

        location /fhir/ {
            cigna_fhir on links=off;
${proxy()}
        }

        location /rewritten/ {
            cigna_fhir on;
            cigna_base_url https://${HOST}/rewritten;
${proxy()}
        }

        location /uncached/ {
            cigna_fhir on cache=off links=off;
${proxy()}
        }
    }`,
    },
  };
}

// Returns the gateway with all three budgets, which are too large to be used
// up.  Under callgrind nginx serves only a few requests per second.  With the
// usual short lease nginx would ask Redis for a new lease for nearly every
// request, and callgrind would count that work.
function withBudgets({ options, ...rest }) {
  return { ...rest, options: {
    ...options,
    http: options.http.replace('cigna_tenant bench {', (block) =>
      `cigna_budget rate=100000r/s lease=1s;

    ${block}
        budget         rate=50000r/s;
        member_budget  rate=20000r/s;`),
  } };
}

async function connectMember({ origin, caFile }) {
  const browser = new Browser({ ca: readFileSync(caFile) });
  const { stopped } = await walk(browser, `${origin}/connect`, {
    username: 'syntheticuser05', password: 'MARKsecret05',
    until: (url) => url.includes('cigna='),
  });
  if (!stopped?.includes('cigna=connected')) {
    throw new Error(`the member could not be connected: ${stopped}`);
  }
}

// Returns the contenders direct, plain, cached, rewritten, uncached and
// budgeted, and stop().  A contender has
//   url       function: name of a size in SIZES => URL
//   pid       the worker that is measured; not in direct and budgeted
//   redisPid  the Redis that the worker asks for each request; only in uncached
//   server    { port, options }, with which callgrind starts an nginx of its
//             own; not in direct
export async function startContenders(t, { nginxCpu, otherCpu }) {
  const directory = scratchDirectory(t, 'bench');
  const upstreamPort = await startUpstream(t, directory, otherCpu);

  const plain = await plainOptions(upstreamPort);
  const plainNginx = await startNginx(t, plain.options);

  const redis = await startRedis(t);
  const gateway = await gatewayOptions(t, directory, upstreamPort, redis);
  execFileSync(`${TOP}/scripts/vault`, [
    '--redis', `unix:${redis.unixPath}`, '--keys', path.join(directory, 'keys'),
    'init', '--quiet']);
  const gatewayNginx = await startNginx(t, gateway.options);
  await connectMember(gateway);

  const [plainPid] = plainNginx.workerPids();
  const [gatewayPid] = gatewayNginx.workerPids();
  pin(plainPid, nginxCpu);
  pin(gatewayPid, nginxCpu);
  pin(redis.pid, otherCpu);

  const at = (port, place) => (size) =>
    `http://127.0.0.1:${port}/${place}/${fileOf(size)}`;

  return {
    direct: { url: at(upstreamPort, 'r4') },
    plain: { url: at(plain.port, 'fhir'), pid: plainPid, server: plain },
    cached: { url: at(gateway.port, 'fhir'), pid: gatewayPid,
              server: gateway },
    rewritten: { url: at(gateway.port, 'rewritten'), pid: gatewayPid,
                 server: gateway },
    uncached: { url: at(gateway.port, 'uncached'), pid: gatewayPid,
                redisPid: redis.pid, server: gateway },
    budgeted: { url: at(gateway.port, 'fhir'), server: withBudgets(gateway) },
    stop: async () => {
      await plainNginx.stop();
      await gatewayNginx.stop();
    },
  };
}
