"""Calls beside their messages: deadline, caller, what they hold, and what their statements cost."""
