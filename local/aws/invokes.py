"""Data sources that the stacks ask for."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from typing import Final

from local.aws.engine.clients import Aws, AwsError, Offline
from local.aws.engine.observe import camelised
from local.aws.engine.requests import build
from local.aws.engine.spec import Call, ResourceType
from local.aws.engine.wire import Properties, is_list, is_mapping
from local.aws.provider import Provider


class InvokeError(Exception):
    """A data source cannot answer; the message says why."""


_Source = Callable[[Aws, str, Properties], Properties]


def _caller(aws: Aws, _region: str, _arguments: Properties) -> Properties:
    account = aws.account
    return {"accountId": account, "arn": f"arn:aws:iam::{account}:root", "userId": account, "id": account}


def _here(_aws: Aws, region: str, _arguments: Properties) -> Properties:
    return {"region": region, "name": region, "id": region, "endpoint": f"ec2.{region}.amazonaws.com"}


def _partition(_aws: Aws, _region: str, _arguments: Properties) -> Properties:
    return {"partition": "aws", "id": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


def _zones(aws: Aws, region: str, arguments: Properties) -> Properties:
    params: Properties = {"Filters": [{"Name": "state", "Values": [arguments.get("state", "available")]}]}
    found = aws.call("ec2", region, "DescribeAvailabilityZones", params).get("AvailabilityZones")
    zones = [zone for zone in (found if is_list(found) else []) if is_mapping(zone)]
    names: list[object] = [zone["ZoneName"] for zone in zones]
    return {"id": region, "names": names, "zoneIds": [zone.get("ZoneId") for zone in zones]}


def _called(service: str, operation: str, arguments: Properties) -> Properties:
    """The parameters of an operation from the arguments of a data source."""
    call = Call(operation)
    kind = ResourceType("", service, call, call, "")
    request = build(kind, call, {name: value for name, value in arguments.items() if name != "region"}, {})
    if request.issues:
        raise InvokeError("; ".join(f"{issue.path}: {issue.reason}" for issue in request.issues))
    return request.params


def _random_password(aws: Aws, region: str, arguments: Properties) -> Properties:
    params = _called("secretsmanager", "GetRandomPassword", arguments)
    if isinstance(aws, Offline):
        # A preview without an emulator: the value is written nowhere, only its presence matters.
        length = params.get("PasswordLength")
        letters = string.ascii_letters + string.digits
        password: object = "".join(secrets.choice(letters) for _ in range(length if isinstance(length, int) else 32))
    else:
        password = aws.call("secretsmanager", region, "GetRandomPassword", params)["RandomPassword"]
    return {**arguments, "id": region, "region": region, "randomPassword": password}


def _secret_version(aws: Aws, region: str, arguments: Properties) -> Properties:
    answer = aws.call(
        "secretsmanager", region, "GetSecretValue", _called("secretsmanager", "GetSecretValue", arguments)
    )
    return {
        **arguments,
        "id": f"{arguments.get('secretId')}|{answer['VersionId']}",
        "region": region,
        "arn": answer["ARN"],
        "secretString": answer.get("SecretString", ""),
        "secretBinary": "",
        "versionId": answer["VersionId"],
        "versionStage": arguments.get("versionStage", "AWSCURRENT"),
        "createdDate": camelised(answer.get("CreatedDate")),
    }


SOURCES: Final[dict[str, _Source]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller,
    "aws:index/getRegion:getRegion": _here,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:secretsmanager/getRandomPassword:getRandomPassword": _random_password,
    "aws:secretsmanager/getSecretVersion:getSecretVersion": _secret_version,
}
SECRET_RESULTS: Final = frozenset({"randomPassword", "secretString", "secretBinary"})


def invoke(provider: Provider, token: str, arguments: Properties) -> Properties:
    """The answer of a data source; raises InvokeError for one that is not supported or cannot answer."""
    source = SOURCES.get(token)
    if source is None:
        raise InvokeError(f"{token} is not supported by the embedded provider; it has {', '.join(sorted(SOURCES))}")
    region = arguments.get("region")
    try:
        return source(provider.aws, region if isinstance(region, str) else provider.region, arguments)
    except AwsError as error:
        raise InvokeError(f"{token}: {error}") from error
