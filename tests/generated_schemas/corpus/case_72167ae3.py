"""AssertionError in table.py, checked: UNKNOWN: the connection was lost during the write, which m."""

from math import inf, nan

from tests.generated_schemas.drawing import Case
from tests.generated_schemas.schemas import Column, Schema

CASE = Case(schema=Schema(syntax='editions', message='Point', columns=(Column(name='f80', kind='int32_integer', presence=False, column='', default='(unset)', not_null=False, proto_default='(unset)', oneof=False, computed='', output_only=False, identity=True), Column(name='computed0', kind='open_enum', presence=False, column='', default='(unset)', not_null=False, proto_default='(unset)', oneof=False, computed='action', output_only=False, identity=False), Column(name='computed1', kind='int32_integer', presence=False, column='', default='(unset)', not_null=False, proto_default='(unset)', oneof=False, computed='f80', output_only=False, identity=False), Column(name='filter', kind='part_delimited', presence=True, column='', default='(unset)', not_null=False, proto_default='(unset)', oneof=True, computed='', output_only=False, identity=False), Column(name='action', kind='open_enum', presence=False, column='', default='(unset)', not_null=False, proto_default='(unset)', oneof=False, computed='', output_only=False, identity=False)), key=('f80', 'action'), table='', place='', roles={}, unique=(), indexes=(), checks=(), altered='row level security', package='made.v1'), steps=(('create', {'action': -3, 'f80': 8996096, 'filter': {}}),))

_ = (inf, nan, Column, Schema)
