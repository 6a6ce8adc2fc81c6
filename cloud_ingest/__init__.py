"""The county program: checks what gateways send, applies the rules, writes the store and sends receipts."""
