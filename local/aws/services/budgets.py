"""Budgets."""

from __future__ import annotations

from local.aws.engine.spec import Call, Naming, ResourceType, Tagging
from local.aws.engine.wire import Properties, is_list, is_mapping

_OF = {"AccountId": "{owner}", "BudgetName": "{name}"}


def _budget(inputs: Properties) -> Properties:
    """Cost filters are a map to the API; a notification is apart from those who are told."""
    values = dict(inputs)
    filters = values.get("costFilters")
    if is_list(filters):
        values["costFilters"] = {str(item["name"]): item["values"] for item in filters if is_mapping(item)}
    notifications = values.get("notifications")
    if is_list(notifications):
        values["notifications"] = [_notification(item) for item in notifications]
    return values


def _entries(value: object) -> list[object]:
    return value if is_list(value) else []


def _notification(item: object) -> object:
    if not is_mapping(item):
        return item
    told = (("subscriberEmailAddresses", "EMAIL"), ("subscriberSnsTopicArns", "SNS"))
    subscribers = [
        {"subscriptionType": kind, "address": address} for name, kind in told for address in _entries(item.get(name))
    ]
    rest = {name: value for name, value in item.items() if name not in dict(told)}
    return {"notification": rest, "subscribers": subscribers}


BUDGET = ResourceType(
    pulumi_type="aws:budgets/budget:Budget",
    service="budgets",
    cfn="AWS::Budgets::Budget",
    create=Call("CreateBudget", bind={"AccountId": "{owner}"}, wrap="Budget"),
    read=Call("DescribeBudget", bind=_OF, root="Budget"),
    update=Call("UpdateBudget", bind={"AccountId": "{owner}"}, wrap="NewBudget"),
    delete=Call("DeleteBudget", bind=_OF),
    identity="{owner}:{name}",
    rename={
        "name": "BudgetName",
        "limitAmount": "BudgetLimit/Amount",
        "limitUnit": "BudgetLimit/Unit",
        "timePeriodStart": "TimePeriod/Start",
        "timePeriodEnd": "TimePeriod/End",
        "notifications": "NotificationsWithSubscribers",
        "tags": "ResourceTags",
    },
    reads={"notifications": "", "timePeriodStart": "", "timePeriodEnd": ""},
    shape=_budget,
    naming=Naming(limit=100),
    local=frozenset({"namePrefix", "accountId"}),
    in_place=frozenset({"limitAmount", "limitUnit", "costFilters", "timePeriodStart", "timePeriodEnd", "costTypes"}),
    replace=frozenset({"accountId", "notifications"}),
    derived={"owner": lambda state: state.get("accountId") or state.get("account")},
    known={"arn": "arn:{partition}:budgets::{owner}:budget/{name}"},
    tagging=Tagging(
        "TagResource",
        "UntagResource",
        "ListTagsForResource",
        "ResourceARN",
        tags="ResourceTags",
        keys="ResourceTagKeys",
        listing="ResourceTags",
    ),
    regional=False,
)

TYPES = (BUDGET,)
