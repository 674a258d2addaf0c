// The page is one document: every path without a file name is a view of it.
function handler(event) {
  const request = event.request;
  const last = request.uri.substring(request.uri.lastIndexOf('/') + 1);
  if (last.indexOf('.') === -1) {
    request.uri = '/index.html';
  }
  return request;
}
