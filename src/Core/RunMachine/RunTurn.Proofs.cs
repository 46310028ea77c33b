namespace DistNet.Runs;

/// <summary>This part: answers that came second are compared with those that counted. They are equal by construction, so a difference proves a broken machine.</summary>
internal sealed partial class RunTurn
{
    private void Compare(WorkerState worker, RunInput.ShardCompleted answer)
    {
        PhaseState? counted = Matches(state.Phase, answer.Fence) ?? Matches(state.Completing, answer.Fence) ?? Matches(state.Previous, answer.Fence);
        if (counted is not { } phase)
        {
            return;
        }

        ProofComparison comparison = ProofComparison.Of(phase.Accepted, answer.Nodes, phase.Whole.SliceCount);
        if (comparison.Difference is not { } difference)
        {
            Count(c => comparison.Compared > 0 ? c with { Agreed = c.Agreed + 1 } : c);
            return;
        }

        string second = Named(worker);
        string[] firsts = [.. difference.First.Select(accepted => Named(accepted.Worker, accepted.Host)).Distinct().Where(name => name != second)];
        string who = firsts.Length == 0 ? $"Worker {second} computed the same twice" : $"Workers {string.Join(", ", firsts)} and {second} computed the same";
        string broken = firsts.Length == 0 ? "its machine is broken" : "one of these machines is broken";
        string what = difference.InMetrics ? "loss or counts" : "gradient";
        string sentence =
            $"{who}, slices {difference.Node.Slices(phase.Whole.SliceCount)} of step {phase.Whole.Step} ({phase.Whole.Phase}), and the {what} differ: {broken}. The answer that came first counts.";
        if (ReferenceEquals(phase, state.Previous) || difference.InMetrics)
        {
            Accuse(sentence);
            return;
        }

        // Told when the step has shown finite.
        PhaseState differing = phase with { Differences = phase.Differences.Add(sentence) };
        state = ReferenceEquals(phase, state.Phase) ? state with { Phase = differing } : state with { Completing = differing };
    }

    // The step is complete: its late answers are still compared, and what was found so far is told where it proves something.
    private void Remember(PhaseState completed, bool finite)
    {
        foreach (string sentence in finite ? completed.Differences : [])
        {
            Accuse(sentence);
        }

        state = state with { Previous = finite ? completed with { Differences = [] } : null };
    }

    private void Accuse(string sentence)
    {
        Count(c => c with { Differed = c.Differed + 1 });
        Because(sentence);
        Emit(new RunEffect.Warn(sentence));
    }

    private static PhaseState? Matches(PhaseState? phase, Fence fence) => phase?.Whole.Phase == fence.Phase && phase.Whole.Step == fence.Step ? phase : null;
}
