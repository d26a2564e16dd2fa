"""The HTTP service and its pages: imports matcher; matcher never imports service."""
