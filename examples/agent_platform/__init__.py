"""A small agent platform of real processes, instrumented with the plain OpenTelemetry SDK.

persona ─► gateway ─► router ─► task queue (SQLite) ─► worker ─► model
                                                          └────► tool executor ─► tool processes
"""

VERSION = "0.1.0"
