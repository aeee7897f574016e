"""Havn beside two programs of its kind: stock Rasa and an open Telegram support bot."""
