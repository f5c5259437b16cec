"""``AlertStates``, ``WaitingAlerts`` and ``SentAlerts`` in the ledger table.

A schedule has a partition ``ALERTS#{id}``: an item ``CHANGE#...`` for each change, ``LATEST#{alert}`` for each alert
that has changed, with what people know of it, ``HEARD#{target}`` with what a target has heard and who sends to it, and
``MUTE``. A target has ``WAITING#{target}`` with the alerts that wait for it, by time in the list ``WAITING``, and a
counter of the alerts of each second. The log of sent alerts has an item ``ALERT#{key}/{target}`` for each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from modelwatch_core.adapters.aws.translation import aws_errors, response_or_none
from modelwatch_core.adapters.aws.versioned_items import (
    INDEX,
    TIMELINE,
    Item,
    Listing,
    VersionedItems,
    follows_on,
    own_key,
    parsed_item,
)
from modelwatch_core.domain.alert_states import AlertState, AlertTransition, place_of
from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alerting import AlertName
from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import NotReady
from modelwatch_core.domain.heard_alerts import HeardAlerts
from modelwatch_core.ports import Clock, KnownAlerts, MutedSchedule, Page

_LEASE = timedelta(minutes=2)
"""How long a sender keeps an alert: longer than route_alerts may run, and shorter than the 1 + 2 minutes until Lambda's
last retry of it."""
_MEMORY = timedelta(days=90)
_COUNTER_MEMORY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TableAlertStates:
    """``AlertStates`` in the ledger table."""

    items: VersionedItems

    def known(self, schedule_id: str) -> KnownAlerts:
        """Return what is known of a schedule's alerts."""
        asked = Listing(None, _partition(schedule_id), between=("LATEST#", "MUTE"), is_consistent=True)
        states: dict[AlertName, AlertState] = {}
        muted_until = None
        for item in self.items.listed(asked):
            if item["sk"] == "MUTE":
                muted_until = datetime.fromisoformat(str(item["until"]))
                continue
            latest = parsed_item(AlertTransition, item)
            if isinstance(latest, AlertTransition):  # one that a later version wrote is as good as none
                states[latest.alert_name] = AlertState(latest, _notified(item, latest), int(str(item.get("number", 0))))
        return KnownAlerts(states, muted_until)

    def note(self, transition: AlertTransition, *, announced: bool) -> None:
        """Write a change, unless it is noted."""
        place = place_of(transition)  # which orders what a single announcement changes
        created = f"{iso_utc(transition.creation_time)}#{transition.schedule_id}#{place}#{transition.alert_name}"
        change = {
            "pk": _partition(transition.schedule_id),
            "sk": f"CHANGE#{place}#{transition.alert_name}#{transition.alert_status}",
            "version": 1,
            "document": transition.model_dump_json(),
            "list": _partition(transition.schedule_id),
            "list_key": created,
            "time_list": "ALERT_CHANGES",
            "time_key": created,
            "announced": announced,
        }
        if not self.items.put_where(change, **follows_on(change)) and announced:
            values = {":yes": True}
            self.items.update_where(
                own_key(change), UpdateExpression="SET announced = :yes", ExpressionAttributeValues=values
            )

    def is_announced(self, schedule_id: str, alert: AlertName, place: str) -> bool:
        """Return whether an execution changed an alert and was announced; earlier versions noted no others."""
        key = f"CHANGE#{place}#{alert}#"
        listing = Listing(None, _partition(schedule_id), 2, None, True, (key, f"{key}~"), is_consistent=True)
        return any(item.get("announced", True) for item in self.items.listed(listing))

    def keep(self, state: AlertState, *, place: str) -> None:
        """Write how an alert stands, unless it is known after a later execution."""
        latest, notified, number = state
        if latest is None:
            return
        item = {
            "pk": _partition(latest.schedule_id),
            "sk": f"LATEST#{latest.alert_name}",
            "version": 1,
            "document": latest.model_dump_json(),
            "notified": notified.model_dump_json() if notified else "",
            "number": number,
            "place": place,
        }
        no_newer = {
            "ConditionExpression": "attribute_not_exists(pk) OR place <= :place",
            "ExpressionAttributeValues": {":place": place},
        }
        self.items.put_where(item, **no_newer)

    def mute(self, muted: MutedSchedule) -> None:
        """Send nothing until a moment."""
        listed = {"list": "MUTES", "list_key": iso_utc(muted.until), "name": muted.monitoring_schedule_name}
        self.items.overwrite(_mute_item(muted) | listed)

    def ended_mutes(self, now: datetime) -> Iterator[MutedSchedule]:
        """Yield the mutes that are over and listed."""
        for item in self.items.listed_until("MUTES", now):
            schedule_id = str(item["pk"]).removeprefix(_partition(""))
            yield MutedSchedule(str(item["name"]), schedule_id, datetime.fromisoformat(str(item["until"])))

    def unlist(self, muted: MutedSchedule) -> None:
        """List an ended mute no more."""
        item = _mute_item(muted)
        self.items.put_where(
            item,
            ConditionExpression="#until = :until",
            ExpressionAttributeNames={"#until": "until"},
            ExpressionAttributeValues={":until": item["until"]},
        )

    def page(
        self, schedule_id: str | None, *, limit: int, after: str | None = None, descending: bool = True
    ) -> Page[AlertTransition]:
        """Return a page of changes."""
        index, name = (INDEX, _partition(schedule_id)) if schedule_id else (TIMELINE, "ALERT_CHANGES")
        return self.items.page(AlertTransition, Listing(index, name, limit, after, descending))


def _mute_item(muted: MutedSchedule) -> Item:
    return {"pk": _partition(muted.schedule_id), "sk": "MUTE", "until": iso_utc(muted.until)}


def _partition(schedule_id: str) -> str:
    return f"ALERTS#{schedule_id}"


def _notified(item: Mapping[str, Any], latest: AlertTransition) -> AlertTransition | None:
    """Return what people know, from an item; before it was kept apart they knew whatever changed."""
    notified = item.get("notified")
    if notified is None:
        return latest
    return AlertTransition.model_validate_json(str(notified)) if notified else None


@dataclass(frozen=True, slots=True)
class TableWaitingAlerts:
    """``WaitingAlerts`` in the ledger table."""

    items: VersionedItems
    clock: Clock

    def arrivals(self, target: AlertTargetReference) -> int:
        """Count one more in this second."""
        now = self.clock.now()
        with aws_errors(f"counting alerts for {target}"):
            counted = self.items.table.update_item(
                Key={"pk": f"ARRIVALS#{target}", "sk": iso_utc(now)},
                UpdateExpression="SET expires_at = :expires ADD arrivals :one",
                ExpressionAttributeValues={":one": 1, ":expires": int((now + _COUNTER_MEMORY).timestamp())},
                ReturnValues="UPDATED_NEW",
            )
        return int(str(counted["Attributes"]["arrivals"]))

    def put(self, target: AlertTargetReference, alert: Alert) -> None:
        """Keep an alert."""
        now = self.clock.now()
        item = self._key(target, alert.key) | {
            "list": _WAITING,
            "list_key": f"{target}#{iso_utc(now)}",
            "version": 1,
            "document": alert.model_dump_json(),
            "target": target.model_dump_json(),
            "expires_at": int((now + _MEMORY).timestamp()),
        }
        self.items.put_where(item, **follows_on(item))

    def of(self, target: AlertTargetReference, *, most: int) -> Sequence[Alert]:
        """Return the alerts that have waited longest for a target."""
        waiting = Listing(INDEX, _WAITING, most, between=(f"{target}#", _last_key(target)))
        parsed = (parsed_item(Alert, item) for item in self.items.listed(waiting))
        return list(islice((alert for alert in parsed if isinstance(alert, Alert)), most))

    def remove(self, target: AlertTargetReference, key: str) -> None:
        """Forget an alert."""
        self.items.delete(self._key(target, key))

    def targets(self) -> Iterator[AlertTargetReference]:
        """Yield each target that alerts wait for: one of its alerts is read, however many there are."""
        after = " "
        while first := next(self.items.listed(Listing(INDEX, _WAITING, 1, between=(after, "~"))), None):
            target = AlertTargetReference.model_validate_json(str(first["target"]))
            yield target
            after = _last_key(target)

    @staticmethod
    def _key(target: AlertTargetReference, key: str) -> Item:
        return {"pk": f"WAITING#{target}", "sk": key}


_WAITING = "WAITING"


def _last_key(target: AlertTargetReference) -> str:
    """Return what comes after all times of a target in the list of waiting alerts, and before other targets."""
    return f"{target}#~"


@dataclass(frozen=True, slots=True)
class TableSentAlerts:
    """``SentAlerts`` in the ledger table. An alert whose sender died may be sent again after 2 minutes."""

    items: VersionedItems
    clock: Clock

    def begin(self, alerts: Sequence[Alert], target: AlertTargetReference) -> tuple[Sequence[Alert], HeardAlerts]:
        """Return those that have not been sent to the target, and what it has heard."""
        now, heard = self.clock.now(), _heard_key(alerts, target)
        with aws_errors(f"writing {heard['pk']} to the ledger"):
            begun = response_or_none(
                lambda: self.items.table.update_item(
                    Key=heard,
                    UpdateExpression="SET lease = :lease, sender = :sender",
                    ConditionExpression="attribute_not_exists(lease) OR lease < :now",
                    ExpressionAttributeValues={
                        ":lease": iso_utc(now + _LEASE),
                        ":sender": alerts[0].key,
                        ":now": iso_utc(now),
                    },
                    ReturnValues="ALL_NEW",
                ),
                "ConditionalCheckFailedException",
            )
        unsent = [alert for alert in alerts if not self._is_sent(alert, target)]
        if begun is None and unsent:
            schedule_id = alerts[0].schedule_id
            raise NotReady("AlertUnderWay", f"another process is sending an alert of {schedule_id} to {target}")
        if begun and not unsent:
            self.abandon(alerts, target)
        known = begun["Attributes"] if begun else {}
        heard_before = HeardAlerts.model_validate_json(str(known["document"])) if "document" in known else HeardAlerts()
        return unsent, heard_before.after_a_return if "has_returned" in known else heard_before

    def _is_sent(self, alert: Alert, target: AlertTargetReference) -> bool:
        return (self.items.item(**_sent_key(alert, target)) or {}).get("state") == "SENT"

    def finish(self, alerts: Sequence[Alert], target: AlertTargetReference, heard: HeardAlerts) -> None:
        """Note that alerts have been sent, and what the target has heard."""
        noted = {"state": "SENT", "expires_at": int((self.clock.now() + _MEMORY).timestamp())}
        self.items.transacted(
            *(self.items.put_of(_sent_key(alert, target) | noted) for alert in alerts),
            self.items.update_of(
                _heard_key(alerts, target),
                UpdateExpression="SET document = :heard REMOVE lease, sender, has_returned",
                ExpressionAttributeValues={":heard": heard.model_dump_json()},
            ),
        )

    def abandon(self, alerts: Sequence[Alert], target: AlertTargetReference) -> None:
        """Note that sending failed, unless another sender has taken over."""
        self.items.update_where(
            _heard_key(alerts, target),
            UpdateExpression="REMOVE lease, sender",
            ConditionExpression="sender = :sender",
            ExpressionAttributeValues={":sender": alerts[0].key},
        )

    def note_return(self, schedule_id: str, *, of_all_but: Collection[AlertTargetReference]) -> None:
        """Note it where it is known what a target has heard."""
        stayed = {f"{_HEARD}{target}" for target in of_all_but}
        for item in self.items.listed(Listing(None, _partition(schedule_id), between=(_HEARD, f"{_HEARD}~"))):
            if item["sk"] not in stayed:
                self.items.update_where(
                    own_key(item),
                    UpdateExpression="SET has_returned = :yes",
                    ConditionExpression="attribute_exists(pk)",
                    ExpressionAttributeValues={":yes": True},
                )


_HEARD = "HEARD#"


def _heard_key(alerts: Sequence[Alert], target: AlertTargetReference) -> Item:
    return {"pk": _partition(alerts[0].schedule_id), "sk": f"{_HEARD}{target}"}


def _sent_key(alert: Alert, target: AlertTargetReference) -> Item:
    return {"pk": f"ALERT#{alert.key}/{target}", "sk": "ALERT"}
