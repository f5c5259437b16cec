"""``Schedules`` in the ledger table.

The index lists them by name, their changes that their clocks have not followed, and, spread over partitions, by the
time at which they have not fired. The timeline lists them by creation, and by what they watch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelwatch_core.adapters.aws.versioned_items import (
    INDEX,
    TIMELINE,
    Item,
    Listing,
    VersionedItems,
    at_version,
    changed_meanwhile,
    conflict,
    follows_on,
    spread_list,
)
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.ports import Page, ScheduleChange, readable

PLACES = {"pk": "SCHEDULES", "sk": "PLACES"}
"""The key of the note that each schedule has a place: those that an earlier version wrote have none until then."""
NUMBER = {"pk": "SCHEDULES", "sk": "NUMBER"}
"""The key of the item that counts the schedules."""
_PAGE = 100


@dataclass(frozen=True, slots=True)
class TableSchedules:
    """``Schedules`` in the ledger table.

    A write is one transaction: the definition, a copy of it under its version, the change that the clock is to follow,
    its place in the lists of what is watched and of when it is to have fired, and for a new one or a deletion the
    number of schedules.
    """

    items: VersionedItems

    def get(self, name: str) -> MonitoringSchedule | None:
        """Return a schedule, or None."""
        return self.items.document(MonitoringSchedule, f"SCHEDULE#{name}", "DEFINITION")

    def save(self, schedule: MonitoringSchedule, *, most: int | None = None) -> ScheduleChange:
        """Write a schedule."""
        change, definition = _change(schedule), schedule_item(schedule)
        kept = {name: definition[name] for name in ("version", "document")}
        copy = kept | {"pk": f"VERSIONS#{schedule.schedule_id}", "sk": f"VERSION#{schedule.version:08}"}
        writes = [
            self.items.put_of(definition, **follows_on(definition)),
            self.items.put_of(copy),
            self.items.put_of(_change_item(change, schedule.last_modified_time)),
            self.items.put_of(place_item(schedule)),
            *([self._count(1, most)] if schedule.version == 1 else []),
        ]
        refused = self.items.transacted(*writes)
        if 0 in refused:
            raise conflict(definition, "ScheduleExists")
        if refused:
            raise InvalidInput(
                "ResourceLimitExceeded",
                f"The account-level service limit 'Number of monitoring schedules' is {most} schedules, with a request"
                " delta of 1 schedules. Delete a schedule, or raise the deployment's parameter MostSchedules.",
            )
        return change

    def delete(self, schedule: MonitoringSchedule, *, now: datetime) -> ScheduleChange:
        """Remove a schedule."""
        name, change = schedule.monitoring_schedule_name, _change(schedule)
        definition = _definition_key(name)
        removal = self.items.delete_of(definition, **at_version(schedule.version))
        place = self.items.delete_of(_place_key(name))
        noted = self.items.put_of(_change_item(change, now))
        if self.items.transacted(removal, place, noted, self._count(-1, None)):
            raise changed_meanwhile(definition["pk"])
        return change

    def page(
        self, *, limit: int, after: str | None = None, by_creation: bool = False, descending: bool = False
    ) -> Page[MonitoringSchedule]:
        """Return a page of schedules."""
        asked = Listing(TIMELINE if by_creation else INDEX, "SCHEDULES", limit, after, descending)
        return self.items.page(MonitoringSchedule, asked)

    def version(self, schedule_id: str, version: int) -> MonitoringSchedule | None:
        """Return a version, or None."""
        return self.items.document(MonitoringSchedule, f"VERSIONS#{schedule_id}", f"VERSION#{version:08}")

    def versions(self, schedule_id: str, *, limit: int, after: str | None = None) -> Page[MonitoringSchedule]:
        """Return a page of versions."""
        asked = Listing(None, f"VERSIONS#{schedule_id}", limit, after, descending=True)
        return self.items.page(MonitoringSchedule, asked)

    def watching(self, watched: str) -> Iterator[MonitoringSchedule]:
        """Yield the schedules that watch something."""
        have_places = self._all_have_places()
        index, name = (TIMELINE, _watching(watched)) if have_places else (INDEX, "SCHEDULES")
        asked = Listing(index, name, _PAGE, named=_definition_of)
        for each in readable(self.items.all(MonitoringSchedule, asked)):
            if each.watched == watched:
                yield each

    def overdue(self, moment: datetime) -> Iterator[str]:
        """Yield the names of the schedules that were to fire by a moment."""
        if not self._all_have_places():
            self._give_places()
        for item in self.items.spread_until("EXPECTED", moment):
            yield str(item["pk"]).partition("#")[2]

    def expect(self, schedule: MonitoringSchedule, fired: datetime) -> None:
        """Note for which time a schedule fired last."""
        place = place_item(schedule, fired)
        listed = {name: place[name] for name in ("list", "list_key") if name in place}
        values = {":list": listed["list"], ":key": listed["list_key"]} if listed else {}
        self.items.update_where(
            _place_key(schedule.monitoring_schedule_name),
            UpdateExpression="SET #list = :list, #key = :key" if listed else "REMOVE #list, #key",
            ConditionExpression="schedule_id = :id AND #version = :version",
            ExpressionAttributeNames={"#list": "list", "#key": "list_key", "#version": "version"},
            ExpressionAttributeValues=values | {":id": place["schedule_id"], ":version": place["version"]},
        )

    def _all_have_places(self) -> bool:
        return bool((self.items.item(**PLACES) or {}).get("complete"))

    def _give_places(self) -> None:
        """Give a place to the schedules that an earlier version wrote, a page at a time: what is done stays done."""
        after, has_more = (self.items.item(**PLACES) or {}).get("after"), True
        while has_more:
            page = self.page(limit=_PAGE, after=after)
            for schedule, _ in page.records:
                if isinstance(schedule, MonitoringSchedule):
                    self._give_place(schedule)
            after, has_more = (page.records[-1][1] if page.records else after), page.has_more
            self.items.overwrite(PLACES | {"complete": not has_more, "after": after})

    def _give_place(self, schedule: MonitoringSchedule) -> None:
        definition = _definition_key(schedule.monitoring_schedule_name)
        stands = self.items.check_of(definition, **at_version(schedule.version))
        # If it was changed or deleted meanwhile, whoever did so has seen to its place.
        self.items.transacted(stands, self.items.put_of(place_item(schedule)))

    def changes(self, until: datetime) -> Iterator[ScheduleChange]:
        """Yield the changes that are not followed."""
        for item in self.items.listed_until("CHANGES", until):
            name = str(item["pk"]).removeprefix("SCHEDULE#")
            yield ScheduleChange(name, str(item["schedule_id"]), int(str(item["version"])))

    def followed(self, change: ScheduleChange) -> None:
        """Forget a change."""
        self.items.delete(_change_key(change))

    def _count(self, by: int, most: int | None) -> Item:
        update: Item = {"UpdateExpression": "ADD schedules :by", "ExpressionAttributeValues": {":by": by}}
        if most is not None:
            update["ConditionExpression"] = "attribute_not_exists(schedules) OR schedules < :most"
            update["ExpressionAttributeValues"][":most"] = most
        return self.items.update_of(NUMBER, **update)


def schedule_item(schedule: MonitoringSchedule) -> Item:
    """Return a schedule's item."""
    name = schedule.monitoring_schedule_name
    return _definition_key(name) | {
        "version": schedule.version,
        "document": schedule.model_dump_json(),
        "list": "SCHEDULES",
        "list_key": name,
        "time_list": "SCHEDULES",
        "time_key": f"{iso_utc(schedule.creation_time)}#{name}",
    }


def place_item(schedule: MonitoringSchedule, fired: datetime | None = None) -> Item:
    """Return the item by which a schedule is found by what it watches, and by when it is to have fired.

    Parameters
    ----------
    fired : datetime, optional
        The time for which it fired last; by default, since when it does.
    """
    item: Item = _place_key(schedule.monitoring_schedule_name) | {
        "schedule_id": schedule.schedule_id,
        "version": schedule.version,
        "time_list": _watching(schedule.watched),
        "time_key": schedule.monitoring_schedule_name,
    }
    overdue = schedule.overdue_at(fired or schedule.begins)
    if overdue is None:
        return item
    return item | {"list": spread_list("EXPECTED", schedule.schedule_id), "list_key": iso_utc(overdue)}


def _definition_key(name: str) -> Item:
    return {"pk": f"SCHEDULE#{name}", "sk": "DEFINITION"}


def _place_key(name: str) -> Item:
    return {"pk": f"SCHEDULE#{name}", "sk": "PLACE"}


def _definition_of(place: Mapping[str, Any]) -> Item:
    """Return the key of the schedule that a place is of."""
    return {"pk": place["pk"], "sk": "DEFINITION"}


def _watching(watched: str) -> str:
    return f"WATCHING#{watched}"


def _change(schedule: MonitoringSchedule) -> ScheduleChange:
    return ScheduleChange(schedule.monitoring_schedule_name, schedule.schedule_id, schedule.version)


def _change_key(change: ScheduleChange) -> Item:
    return {
        "pk": f"SCHEDULE#{change.monitoring_schedule_name}",
        "sk": f"CHANGE#{change.schedule_id}#{change.version:08}",
    }


def _change_item(change: ScheduleChange, made: datetime) -> Item:
    known = {"schedule_id": change.schedule_id, "version": change.version}
    return _change_key(change) | known | {"list": "CHANGES", "list_key": iso_utc(made)}
