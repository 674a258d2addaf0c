// Which process of the cell takes a request: a healthy one, and for a socket always the same one.
// Owns the processes' health as this edge sees it. Which there are comes from the configuration ($peers).

const FAILURES_TO_DOWN = 2;

// "gateway_0=http://127.0.0.1:1/health/ready gateway_1=..."
function parse(s) {
    return s.variables.peers.split(' ').map((text) => {
        const parts = text.split('=');
        return { name: parts[0], url: parts[1] };
    });
}

async function probe(s) {
    await Promise.all(parse(s).map(check));
}

async function check(peer) {
    let well = false;
    try {
        const reply = await ngx.fetch(peer.url);
        well = reply.status === 200;
    } catch (error) {
        well = false;
    }
    const failures = well ? 0 : (ngx.shared.peers.get(peer.name) || 0) + 1;
    if ((failures >= FAILURES_TO_DOWN) !== down(peer.name)) {
        ngx.log(ngx.WARN, `process ${peer.name} is ${well ? 'up' : 'down'}`);
    }
    ngx.shared.peers.set(peer.name, failures);
}

function down(name) {
    return (ngx.shared.peers.get(name) || 0) >= FAILURES_TO_DOWN;
}

// With nothing healthy the answer is as if all were: whoever answers then says what is wrong.
function healthy(s, kind) {
    const all = parse(s).map((peer) => peer.name).filter((name) => name.startsWith(`${kind}_`));
    const well = all.filter((name) => !down(name));
    return well.length ? well : all;
}

function gateway(r) {
    const peers = healthy(r, 'gateway');
    return peers[Math.floor(Math.random() * peers.length)];
}

// Rendezvous hashing: each process has a weight for each key and the heaviest healthy one takes it, so that only the
// keys of a lost process move, and they come back with it.
function realtime(r) {
    const key = r.variables.sticky;
    return healthy(r, 'realtime').reduce((best, name) => (weight(key, name) > weight(key, best) ? name : best));
}

// FNV-1a, then the finalizer of MurmurHash3, without which names that differ in one digit have like weights.
function weight(key, name) {
    const text = `${key}@${name}`;
    let hash = 2166136261;
    for (let i = 0; i < text.length; i += 1) {
        hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 2246822507);
    hash = Math.imul(hash ^ (hash >>> 13), 3266489909);
    return (hash ^ (hash >>> 16)) >>> 0;
}

export default { probe, gateway, realtime };
