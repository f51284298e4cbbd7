"""The report: artifacts of the stages -> one Summary -> report.json, report.md, report.html."""
