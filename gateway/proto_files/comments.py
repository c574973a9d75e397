"""Comments of standard services: their methods, messages and fields.

`one` and `many` stand for the resource's nouns.
"""

from collections.abc import Mapping

from gateway.schema.model import MethodKind

METHODS: Mapping[MethodKind, tuple[str, str, str]] = {
    MethodKind.GET: ("One {one} by its key.", "Asks for one {one}.", ""),
    MethodKind.LIST: (
        "The {many} in pages, filtered and ordered.",
        "Asks for a page of {many}.",
        "A page of {many}.",
    ),
    MethodKind.CREATE: ("A new {one}.", "Asks for a new {one}.", ""),
    MethodKind.UPDATE: ("Some fields of one {one}.", "Asks for a change of one {one}.", ""),
    MethodKind.DELETE: ("Deletes one {one}.", "Asks to delete one {one}.", ""),
    MethodKind.UNDELETE: (
        "Brings a deleted {one} back.",
        "Asks to bring a deleted {one} back.",
        "",
    ),
    MethodKind.BATCH_GET: (
        "The {many} of some keys, in the order of the request.",
        "Asks for {many} by key.",
        "The {many} asked for.",
    ),
    MethodKind.BATCH_CREATE: ("New {many}: all or none.", "Asks for new {many}.", "The new {many}."),
    MethodKind.BATCH_UPDATE: (
        "Changes to {many}, each with its own mask: all or none.",
        "Asks for changes of {many}.",
        "The changed {many}.",
    ),
    MethodKind.BATCH_DELETE: (
        "Deletes {many}: all or none.",
        "Asks to delete {many}.",
        "The deleted {many}.",
    ),
    MethodKind.COUNT: (
        "How many {many} there are.",
        "Asks how many {many} there are.",
        "How many {many} there are.",
    ),
    MethodKind.BULK_UPSERT: (
        "Inserts or updates many {many} in one call.",
        "Asks to insert or update {many}.",
        "What became of the rows.",
    ),
    MethodKind.STREAM: (
        "All {many} that a filter finds, in chunks, at the client's pace.",
        "Asks for a stream of {many}.",
        "A chunk of {many}.",
    ),
    MethodKind.INGEST: (
        "Inserts or updates {many}, chunk by chunk; a stream that broke off is resumed.",
        "A chunk of {many}, or the start before the first.",
        "How far the stream has come. It is on disk.",
    ),
    MethodKind.UPDATE_BY_FILTER: (
        "The same change of all {many} that a filter finds: all or none.",
        "Asks for a change of the {many} that a filter finds.",
        "How many {many} were changed.",
    ),
    MethodKind.DELETE_BY_FILTER: (
        "Deletes all {many} that a filter finds: all or none.",
        "Asks to delete the {many} that a filter finds.",
        "How many {many} were deleted.",
    ),
}
"""Of each method, in the order of a service: what it does, its request and its response."""
ROLES: Mapping[str, str] = {
    "read_mask": "The fields to return; all without it.",
    "page_size": "The page's size: 50 where it is 0, 1,000 at most.",
    "page_token": "`next_page_token` of the page before; every other field as it was then.",
    "show_deleted": "Whether deleted {many} are among them.",
    "etag": "Only if the stored {one} still has this etag (AIP-154).",
    "filter": "Which {many}, in the filter language of AIP-160.",
    "order_by": "Field names divided by commas, each with ` desc` or without (AIP-132).",
    "next_page_token": "Asks for the next page; empty on the last one.",
    "resource": "The {one}.",
    "rows": "The {many}, in order.",
    "requests": "One request each, at most 1,000.",
    "missing": "The keys that no {one} has.",
    "request_id": "Names the call: sent again with the same name, it is carried out once (AIP-155). A UUID.",
    "validate_only": "Checks the request and writes nothing (AIP-163).",
    "update_mask": "The fields to change: those that are set without it, `*` for all (AIP-134).",
    "allow_missing": "Whether it is no error that there is no such {one}.",
    "mode": "Counted row by row, or estimated by the planner.",
    "count": "The number of {many}.",
    "estimated": "Whether the number is the planner's estimate.",
    "conflict_target": (
        "The fields of the unique key that tells whether a row is there already. Default: the primary key."
    ),
    "on_conflict": "What happens to a row that is there already.",
    "on_duplicate": "What happens when the request holds a key twice.",
    "partial_failure": "Writes the good rows when some are bad, and tells the bad ones in `failures`.",
    "outcomes": "What became of each row, in the order of the request, where that was asked for.",
    "inserted_count": "Rows that were new.",
    "updated_count": "Stored rows that were changed.",
    "unchanged_count": "Stored rows that were equal already.",
    "ignored_count": "Rows left out because their key was there, as was asked.",
    "superseded_count": "Rows left out because a later row has their key.",
    "failed_count": "Rows that were refused.",
    "failures": "Each refused row: its index, and why.",
    "resume_token": "Asks for what follows the chunk that it came with; every other field as it was then.",
    "start": "In the first message alone: which stream this is, and how rows are written.",
    "sequence": "The chunk's number in its stream, from 1, without a gap.",
    "watermark": "The number of the last chunk that is stored.",
    "max_rows": "The most {many} to change: where the filter finds more, none is.",
    "sample": "Some of them, where the request only checks: as they would be.",
}
"""Of the fields that play a role, by its name."""
ROLES_OF: Mapping[tuple[MethodKind, str], str] = {
    (MethodKind.UPDATE, "resource"): "The {one}'s key, and its new values.",
    (MethodKind.UPDATE, "allow_missing"): "Creates the {one} where there is none.",
    **{
        (kind, name): text
        for kind in (MethodKind.UPDATE_BY_FILTER, MethodKind.DELETE_BY_FILTER)
        for name, text in {
            "filter": "Which {many}, in the filter language of AIP-160; `*` for all that there are.",
            "validate_only": "Counts and shows what would change, and changes nothing (AIP-163).",
        }.items()
    },
    (MethodKind.UPDATE_BY_FILTER, "resource"): "The new values.",
    (MethodKind.DELETE_BY_FILTER, "sample"): "Some of them, where the request only checks.",
}
"""Of roles that mean something else in some methods."""
MARKED: Mapping[MethodKind, str] = {
    MethodKind.GET: "One {one} by its key, also a deleted one.",
    MethodKind.DELETE: "Marks one {one} as deleted.",
    MethodKind.BATCH_DELETE: "Marks {many} as deleted: all or none.",
    MethodKind.DELETE_BY_FILTER: "Marks all {many} that a filter finds as deleted: all or none.",
}
"""What methods do where deleted rows are only marked."""
