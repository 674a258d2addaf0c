"""AWS Backup: vaults, plans, selections."""

from __future__ import annotations

from local.aws.engine.spec import Call, Naming, ResourceType, Tagging

_TAGGING = Tagging("TagResource", "UntagResource", "ListTags", "ResourceArn", keys="TagKeyList")

VAULT = ResourceType(
    pulumi_type="aws:backup/vault:Vault",
    service="backup",
    cfn="AWS::Backup::BackupVault",
    create=Call("CreateBackupVault"),
    read=Call("DescribeBackupVault", bind={"BackupVaultName": "{name}"}),
    delete=Call("DeleteBackupVault", bind={"BackupVaultName": "{name}"}),
    identity="{name}",
    rename={"name": "BackupVaultName", "kmsKeyArn": "EncryptionKeyArn", "tags": "BackupVaultTags"},
    local=frozenset({"forceDestroy"}),
    naming=Naming(limit=50),
    outputs={"arn": "BackupVaultArn", "recoveryPoints": "NumberOfRecoveryPoints"},
    known={"arn": "arn:{partition}:backup:{region}:{account}:backup-vault:{name}"},
    tagging=_TAGGING,
)

_RULE = {
    f"{shape}.{name}": member
    for shape in ("BackupRuleInput", "BackupRule")
    for name, member in (
        ("targetVaultName", "TargetBackupVaultName"),
        ("schedule", "ScheduleExpression"),
        ("startWindow", "StartWindowMinutes"),
        ("completionWindow", "CompletionWindowMinutes"),
    )
}
PLAN = ResourceType(
    pulumi_type="aws:backup/plan:Plan",
    service="backup",
    cfn="AWS::Backup::BackupPlan",
    create=Call("CreateBackupPlan", wrap="BackupPlan"),
    read=Call("GetBackupPlan", bind={"BackupPlanId": "{planId}"}, properties="BackupPlan"),
    update=Call("UpdateBackupPlan", bind={"BackupPlanId": "{planId}"}, wrap="BackupPlan"),
    delete=Call("DeleteBackupPlan", bind={"BackupPlanId": "{planId}"}),
    identity="{planId}",
    rename={"name": "BackupPlanName", "tags": "BackupPlanTags"},
    nested={
        **_RULE,
        "Lifecycle.coldStorageAfter": "MoveToColdStorageAfterDays",
        "Lifecycle.deleteAfter": "DeleteAfterDays",
        "CopyAction.destinationVaultArn": "DestinationBackupVaultArn",
    },
    naming=Naming(limit=50),
    recorded={"planId": "{uuid}", "arn": "arn:{partition}:backup:{region}:{account}:backup-plan:{uuid}"},
    outputs={"planId": "BackupPlanId", "arn": "BackupPlanArn", "version": "VersionId"},
    tagging=_TAGGING,
)

SELECTION = ResourceType(
    pulumi_type="aws:backup/selection:Selection",
    service="backup",
    cfn="AWS::Backup::BackupSelection",
    create=Call("CreateBackupSelection", bind={"CreatorRequestId": "{nonce}"}, wrap="BackupSelection"),
    read=Call(
        "GetBackupSelection",
        bind={"BackupPlanId": "{planId}", "SelectionId": "{selectionId}"},
        properties="BackupSelection",
    ),
    delete=Call("DeleteBackupSelection", bind={"BackupPlanId": "{planId}", "SelectionId": "{selectionId}"}),
    identity="{selectionId}",
    imported="{planId}|{selectionId}",
    rename={"name": "SelectionName", "planId": "BackupPlanId", "selectionTags": "ListOfTags"},
    nested={
        "Condition.key": "ConditionKey",
        "Condition.type": "ConditionType",
        "Condition.value": "ConditionValue",
        "ConditionParameter.key": "ConditionKey",
        "ConditionParameter.value": "ConditionValue",
    },
    reads={"planId": ""},
    naming=Naming(limit=50),
    outputs={"selectionId": "SelectionId"},
    recorded={"selectionId": "{uuid}"},
)

TYPES = (VAULT, PLAN, SELECTION)
