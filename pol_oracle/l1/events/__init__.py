"""Events of the contracts.

typed.py      one dataclass per Solidity event
disputes.py   those of Bounties, Demands and Explanations
logs.py       raw logs -> events
"""
