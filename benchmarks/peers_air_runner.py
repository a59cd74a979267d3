"""Runs inside the peers' own Python (python-aqi, aqi-hub): questions as JSON on standard input, answers on output.

Needs nothing of Jinyun. A question is ``{"peer", "ask", ...}``; an answer is a number, or the name of the error raised.
"""

import json
import sys
import time
import warnings

warnings.simplefilter("ignore")


def python_aqi(question):
    import aqi

    if question["ask"] == "iaqi":
        # Its keys are lower case; PM has one for all averaging times.
        return int(aqi.to_iaqi(question["item"], question["value"], algo=aqi.ALGO_MEP))
    keys = {"pm2_5": "pm25", "pm10": "pm10", "so2": "so2_1h", "no2": "no2_1h", "co": "co_1h", "o3": "o3_1h"}
    pairs = [(keys[name], text) for name, text in question["values"].items()]
    return int(aqi.to_aqi(pairs, algo=aqi.ALGO_MEP))


def aqi_hub(question):
    from aqi_hub import aqi_cn

    if question["ask"] == "iaqi":
        return aqi_cn.cal_iaqi_cn(question["item"], float(question["value"]))
    if question["ask"] == "level":
        return aqi_cn.get_aqi_level(question["value"])
    values = {name.replace("_", ""): float(text) for name, text in question["values"].items()}
    names = ("pm25", "pm10", "so2", "no2", "co", "o3")
    return aqi_cn.cal_aqi_cn(*(values.get(name) for name in names), data_type=question["ask"])[0]


PEERS = {"python-aqi": python_aqi, "aqi-hub": aqi_hub}


def main():
    questions = json.load(sys.stdin)
    for peer in PEERS.values():  # imports are not what is timed
        peer({"ask": "iaqi", "item": "pm25" if peer is python_aqi else "PM25_24H", "value": "35"})
    answers, seconds = [], dict.fromkeys(PEERS, 0.0)
    for question in questions:
        started = time.process_time()
        try:
            answer = PEERS[question["peer"]](question)
        except Exception as error:  # what a user of the peer would meet
            answer = type(error).__name__
        seconds[question["peer"]] += time.process_time() - started
        answers.append(answer)
    json.dump({"answers": answers, "seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
