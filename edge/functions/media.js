import cf from 'cloudfront';

// Buckets of video ids and where their media lie: [first bucket after the range, origin, stand-in], ascending.
const HOMES = __HOMES__;

const PATH = /^\/media\/([0-9a-f]{2}\/([0-9A-Za-z]{11})\/[0-9A-Za-z][0-9A-Za-z._\/-]*)$/;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SEQUENCE = 4096;
const BUCKET_AND_SEQUENCE = 4194304;
const FAILOVER = __FAILOVER__;

// The bucket is in the low bits of the id, and the low bits of a sum need only the low bits of its parts.
function bucketOf(id) {
  let low = 0;
  for (let i = 0; i < id.length; i += 1) {
    low = (low * 62 + ALPHABET.indexOf(id[i])) % BUCKET_AND_SEQUENCE;
  }
  return Math.floor(low / SEQUENCE);
}

function homeOf(bucket) {
  for (let i = 0; i < HOMES.length; i += 1) {
    if (bucket < HOMES[i][0]) {
      return HOMES[i];
    }
  }
  return null;
}

function refuse() {
  return {
    statusCode: 404,
    statusDescription: 'Not Found',
    headers: { 'cache-control': { value: 'public, max-age=60' } },
  };
}

function handler(event) {
  const request = event.request;
  const parts = PATH.exec(request.uri);
  if (parts === null || parts[1].indexOf('..') !== -1 || parts[1].indexOf('//') !== -1) {
    return refuse();
  }
  const home = homeOf(bucketOf(parts[2]));
  if (home === null) {
    return refuse();
  }
  cf.createRequestOriginGroup({
    originIds: [{ originId: home[1] }, { originId: home[2] }],
    failoverCriteria: { statusCodes: FAILOVER },
  });
  request.uri = '/' + parts[1];
  return request;
}
