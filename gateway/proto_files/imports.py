"""The files of messages that fields may have, which whoever uses these imports."""

from collections.abc import Mapping

from google.protobuf import duration_pb2, timestamp_pb2
from google.type import date_pb2, decimal_pb2, latlng_pb2, timeofday_pb2

IMPORTS: Mapping[str, str] = {
    "google.protobuf.Timestamp": timestamp_pb2.DESCRIPTOR.name,
    "google.protobuf.Duration": duration_pb2.DESCRIPTOR.name,
    "google.type.Date": date_pb2.DESCRIPTOR.name,
    "google.type.Decimal": decimal_pb2.DESCRIPTOR.name,
    "google.type.LatLng": latlng_pb2.DESCRIPTOR.name,
    "google.type.TimeOfDay": timeofday_pb2.DESCRIPTOR.name,
}
"""The file of each message that a column may be."""
