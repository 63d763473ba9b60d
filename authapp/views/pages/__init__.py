"""The hosted pages: HTML that calls the JSON API in browser mode, its files, and its texts."""
