"""The uploads service: from a file on somebody's disk to a complete object in S3 and a message to the transcoder.

Bytes never pass through it: the page sends parts straight to S3 by presigned URLs, each bound to its checksum and size.
"""
