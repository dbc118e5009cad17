"""``realtime-lb drain`` and ``readmit``: what an operator orders, and what comes of it."""

import asyncio
import json

import pytest

from realtime_lb.records import RehomeCause
from realtime_lb.server import listening_admin
from realtime_lb.simulator import Delay, Stage
from tests.cli.test_explain import LOCKED, NOWHERE, gateway_with_admin, run
from tests.rehoming.caller import check_equal, house
from tests.support import deployment, greet_and_echo, upstream

OLD, NEW = "OpenAI GA 0", "Azure v1 1"


async def test_it_moves_the_sessions_and_waits_until_none_is_left() -> None:
    async with house("OpenAI GA", "Azure v1") as stage, listening_admin(stage.router) as admin:
        async with stage.caller() as caller, stage.caller() as other:
            for one in (caller, other):
                await one.write("Hello")
            done = await run("drain", OLD, "--wait", "--url", admin)
            assert done.exit_code == 0, done.output
            assert done.stdout == (
                f"{OLD} gets no more sessions\n"
                "moving between two of their turns, where another deployment takes them: 2 sessions\n"
                "no session is left there\n"
            )
            assert [record.cause for record in stage.rehomed] == 2 * [RehomeCause.DRAINED]
            assert {session.deployment for session in stage.router.sessions()} == {NEW}
            assert (await caller.ask())["status"] == "completed"
        back = await run("readmit", OLD, "--url", admin)
        assert back.stdout == f"{OLD} gets sessions again; none comes back by itself\n"
        async with stage.caller() as caller:
            await caller.write("Hello")
            check_equal(caller, stage.where()[1])
            assert stage.where()[0] == OLD


async def test_it_waits_for_who_is_being_placed_there_and_for_nobody_who_comes_later() -> None:
    slow = Delay(stage=Stage.FIRST_EVENT, delay_s=0.5)
    hangs = Delay(stage=Stage.FIRST_EVENT)
    async with (
        house("OpenAI GA", "Azure v1", faults={OLD: [slow]}) as stage,
        listening_admin(stage.router) as admin,
        asyncio.TaskGroup() as placing,
    ):
        early = placing.create_task(stage.arrive())
        await stage.live(OLD, 1)
        draining = placing.create_task(run("drain", OLD, "--wait", "--url", admin))
        moved_before: list[int] = []
        draining.add_done_callback(lambda _: moved_before.append(len(stage.rehomed)))
        async with await early as caller:
            await caller.write("Hello")
            assert (await stage.moved()).cause is RehomeCause.DRAINED
            stage.simulators[NEW].faults = [hangs]
            late = placing.create_task(stage.arrive())
            assert (await draining).stdout.endswith("no session is left there\n")
            assert (moved_before, late.done()) == ([1], False)
            stage.simulators[NEW].faults = []
            late.cancel()


async def test_who_cannot_be_moved_is_counted_apart() -> None:
    async with (
        upstream(greet_and_echo) as url,
        gateway_with_admin(deployment("a", url, opaque=True)) as (gate, admin),
        gate.open() as client,
    ):
        await client.receive()
        done = await run("drain", "a", "--url", admin)
        as_json = await run("drain", "a", "--json", "--url", admin)
    assert done.stdout.splitlines()[1:] == [
        "moving between two of their turns, where another deployment takes them: 0 sessions",
        "staying to their end, since they cannot be moved: 1 session",
        "see which are left: realtime-lb sessions",
    ]
    assert json.loads(as_json.stdout) == {"deployment": "a", "moving": 0, "staying": 1}


@pytest.mark.parametrize("command", ["drain", "readmit"])
async def test_a_deployment_that_is_not_there_is_told_beside_those_that_are(command: str) -> None:
    async with gateway_with_admin(deployment("a", NOWHERE), deployment("b", NOWHERE)) as (_, admin):
        done = await run(command, "nope", "--url", admin)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "Error: The deployment 'nope' does not exist (known deployments: a, b)\n"


@pytest.mark.parametrize("command", ["drain", "readmit"])
async def test_it_needs_the_key(command: str) -> None:
    async with gateway_with_admin(deployment("a", NOWHERE), server=LOCKED) as (gate, admin):
        done = await run(command, "a", "--url", admin)
        assert done.exit_code == 2
        assert "wants the master key" in done.stderr
        assert gate.router.explain("voice").candidates[0].excluded == ""


async def test_nobody_there_is_said_so() -> None:
    done = await run("drain", "a", "--url", NOWHERE)
    assert done.exit_code == 1
    assert "nobody answers operators" in done.stderr
    assert "with --workers there is none" in done.stderr
