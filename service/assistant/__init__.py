"""Tools for assistants (Model Context Protocol) over the API: `matcher mcp`."""
