using DistNet.Runs;

namespace DistNet.Simulation.Tests;

/// <summary>What must hold in every history, whoever dies when; besides the digest, and the exactly-once count that the exact sum itself checks.</summary>
internal sealed class Oracle
{
    private readonly Dictionary<int, SimCoordinator> appliers = [];

    /// <summary>A coordinator completed a step: it alone does so in its term, and its steps never go back nor below what it resumed from.</summary>
    public void Applied(SimCoordinator by, int term, long step, long before)
    {
        if (appliers.TryGetValue(term, out SimCoordinator? other) && other != by)
        {
            throw new InvalidOperationException($"Two coordinators applied steps in term {term}.");
        }

        appliers[term] = by;
        if (step <= before)
        {
            throw new InvalidOperationException($"Step {step} of term {term} was applied after step {before}.");
        }
    }

    /// <summary>A coordinator wrote to the run folder: the journal must name it.</summary>
    public static void Wrote(int term, string? journal)
    {
        if (journal is null || !journal.Contains(FormattableString.Invariant($"\"term\":{term}}}"), StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"The coordinator of term {term} wrote to a run folder that is another's: {journal}");
        }
    }
}

/// <summary>Answers that differ from those that counted: each must be reported, with both workers' names.</summary>
internal sealed class Accusations
{
    private readonly Dictionary<(RunPhase Phase, long Step), Dictionary<SumNode, (NodeProof Proof, string Worker)>> counted = [];
    private readonly List<(string First, string Second, long Step)> owed = [];

    public void Counted(RunInput.ShardCompleted answer, string worker)
    {
        (RunPhase, long) of = (answer.Fence.Phase, answer.Fence.Step);
        if (!counted.TryGetValue(of, out var nodes))
        {
            counted[of] = nodes = [];
        }

        foreach (NodeProof proof in answer.Nodes)
        {
            nodes[proof.Node] = (proof, worker);
        }
    }

    /// <summary>An answer to a shard that its worker had came second or late.</summary>
    public void Dropped(RunInput.ShardCompleted answer, string worker)
    {
        counted.TryGetValue((answer.Fence.Phase, answer.Fence.Step), out var nodes);
        foreach (NodeProof proof in answer.Nodes)
        {
            if (nodes is not null && nodes.TryGetValue(proof.Node, out var first) && first.Proof != proof)
            {
                owed.Add((first.Worker, worker, answer.Fence.Step));
                return;
            }
        }
    }

    /// <summary>A step or a validation is complete: late answers to it are still compared, those to what was before it no more.</summary>
    public void Completed((RunPhase Phase, long Step) phase)
    {
        foreach ((RunPhase, long Step) older in counted.Keys.Where(other => other != phase && other.Step <= phase.Step).ToArray())
        {
            counted.Remove(older);
        }

        if (owed.Find(one => one.Step <= phase.Step) is { First: not null } silent)
        {
            throw new InvalidOperationException($"Answers of {silent.First} and {silent.Second} to step {silent.Step} differ, and nobody said so.");
        }
    }

    public void Told(string sentence)
    {
        if (sentence.Contains("differ", StringComparison.Ordinal))
        {
            owed.RemoveAll(one => sentence.Contains(one.First, StringComparison.Ordinal) && sentence.Contains(one.Second, StringComparison.Ordinal)
                && sentence.Contains(FormattableString.Invariant($"of step {one.Step} "), StringComparison.Ordinal));
        }
    }
}
