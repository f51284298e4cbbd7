"""The paper's figures beside those of the user's runs: `avspec report --paper`."""
