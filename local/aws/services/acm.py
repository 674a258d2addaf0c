"""ACM: certificates and the wait for their validation."""

from __future__ import annotations

from local.aws.engine.spec import Call, ResourceType, Tagging

_DESCRIBE = Call("DescribeCertificate", bind={"CertificateArn": "{arn}"}, root="Certificate")

CERTIFICATE = ResourceType(
    pulumi_type="aws:acm/certificate:Certificate",
    service="acm",
    cfn="AWS::CertificateManager::Certificate",
    create=Call("RequestCertificate", bind={"IdempotencyToken": "{nonce}"}),
    read=_DESCRIBE,
    delete=Call("DeleteCertificate", bind={"CertificateArn": "{arn}"}),
    identity="{arn}",
    nested={"CertificateOptions.export": "Export"},
    reads={
        "validationMethod": "=DomainValidationOptions[0].ValidationMethod",
        "keyAlgorithm": "",
    },
    superset=frozenset({"subjectAlternativeNames"}),
    outputs={
        "arn": "CertificateArn",
        "status": "Status",
        "type": "Type",
        "domainValidationOptions": "DomainValidationOptions[].{domainName: DomainName,"
        " resourceRecordName: ResourceRecord.Name, resourceRecordType: ResourceRecord.Type,"
        " resourceRecordValue: ResourceRecord.Value}",
    },
    # The record's name and value appear a moment after the request.
    ready=(
        "DomainValidationOptions[0].ValidationMethod != 'DNS' || DomainValidationOptions[0].ResourceRecord.Name != `null`",
        (True,),
    ),
    tagging=Tagging(
        "AddTagsToCertificate", "RemoveTagsFromCertificate", "ListTagsForCertificate", "CertificateArn", keys="Tags"
    ),
)

# Emulators issue by time and look at no DNS: that the certificate leaves "failed" states aside is all they can show.
VALIDATION = ResourceType(
    pulumi_type="aws:acm/certificateValidation:CertificateValidation",
    service="acm",
    create=Call("DescribeCertificate", root="Certificate"),
    read=Call("DescribeCertificate", bind={"CertificateArn": "{certificateArn}"}, root="Certificate"),
    identity="{certificateArn}",
    local=frozenset({"validationRecordFqdns"}),
    replace=frozenset({"certificateArn", "validationRecordFqdns"}),
    ready=("Status", ("ISSUED", "PENDING_VALIDATION")),
)

TYPES = (CERTIFICATE, VALIDATION)
