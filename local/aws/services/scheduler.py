"""EventBridge Scheduler."""

from __future__ import annotations

from local.aws.engine.spec import Call, Naming, ResourceType

_OF = {"Name": "{name}", "GroupName": "{groupName}"}

SCHEDULE = ResourceType(
    pulumi_type="aws:scheduler/schedule:Schedule",
    service="scheduler",
    cfn="AWS::Scheduler::Schedule",
    create=Call("CreateSchedule"),
    read=Call("GetSchedule", bind=_OF),
    update=Call("UpdateSchedule"),
    delete=Call("DeleteSchedule", bind=_OF),
    identity="{group}/{name}",
    naming=Naming(limit=64),
    local=frozenset({"namePrefix"}),
    derived={"group": lambda state: state.get("groupName") or "default"},
    outputs={"arn": "Arn || ScheduleArn"},
    known={"arn": "arn:{partition}:scheduler:{region}:{account}:schedule/{group}/{name}"},
    replace=frozenset({"name", "groupName"}),
)

TYPES = (SCHEDULE,)
