namespace DistNet.Runs;

/// <summary>Every decision of a run: who computes which slices, which answers count, when a step is complete, what follows it.</summary>
/// <remarks>
/// <para>A pure function: no clock, no socket, no actor. Shells feed it and carry out its effects; a seeded simulation does the same in virtual time.</para>
/// <para>The invariant: the phase under way is [accepted] + [assigned and not late] + [missing], where missing is whatever the first two leave. So slices
/// cannot be lost: a worker that fails, leaves or is late makes its slices missing again, and the next worker without work takes them. And slices
/// cannot count twice: an answer is accepted only when a worker has the shard it answers, in the current phase, and none of its slices is accepted.</para>
/// </remarks>
public static class RunMachine
{
    /// <summary>Takes one input.</summary>
    /// <param name="state">The state before; unchanged.</param>
    /// <param name="input">What happened.</param>
    /// <param name="nowMs">Milliseconds of a clock that never goes back.</param>
    /// <exception cref="InvalidOperationException">A broken invariant: a bug, in the machine or in its shell.</exception>
    public static Transition Step(RunState state, RunInput input, long nowMs)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(input);
        var turn = new RunTurn(state, nowMs);
        turn.Take(input);
        return turn.End();
    }

    /// <summary>The run as it is now, for people.</summary>
    /// <param name="state">The state.</param>
    /// <param name="nowMs">Milliseconds of the clock that the machine is fed with.</param>
    public static RunStatus Describe(RunState state, long nowMs)
    {
        ArgumentNullException.ThrowIfNull(state);
        return RunStatusOf.State(state, nowMs);
    }
}
