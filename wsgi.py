"""What gunicorn and the flask command load."""

from authapp import create_app

app = create_app()
