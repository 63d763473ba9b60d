"""What the application does: a module a feature, beside `audit` and `locks`. Plain functions, no request.

They send statements in the request's transaction and never end it. Imports mail, web.application, models, security, db.
"""
