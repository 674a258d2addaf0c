// Which cell serves a request at the embedded front: the first healthy one of its chain, as Route 53 would answer.
// Owns the cells' health as the front sees it. The chain itself comes from the configuration ($chain).

const FAILURES_TO_DOWN = 2;

async function probe(s) {
    const targets = s.variables.probes.split(' ');
    await Promise.all(targets.map(check));
}

async function check(target) {
    const parts = target.split('=');
    const cell = parts[0];
    let well = false;
    try {
        const reply = await ngx.fetch(parts[1]);
        well = reply.status === 200;
    } catch (error) {
        well = false;
    }
    const failures = well ? 0 : (ngx.shared.cells.get(cell) || 0) + 1;
    if ((failures >= FAILURES_TO_DOWN) !== down(cell)) {
        ngx.log(ngx.WARN, `cell ${cell} is ${well ? 'up' : 'down'}`);
    }
    ngx.shared.cells.set(cell, failures);
}

function down(cell) {
    return (ngx.shared.cells.get(cell) || 0) >= FAILURES_TO_DOWN;
}

// With nothing healthy the answer is as if all were: a health check that fails everywhere says little.
function choose(r) {
    const chain = r.variables.chain.split(' ');
    return chain.find((cell) => !down(cell)) || chain[0];
}

export default { probe, choose };
