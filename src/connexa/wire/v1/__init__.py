"""Generated from `proto/connexa/v1` by `make wire`; do not edit."""
