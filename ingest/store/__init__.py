"""Durable state: the only package that knows SQL.

Functions take `tx`, an open transaction, and `now`; whoever opened it commits.
"""
