namespace DistNet.Runs;

/// <summary>How often each rule fired.</summary>
public sealed record RunCounters
{
    /// <summary>Answers of another run or term, dropped.</summary>
    public long Foreign { get; init; }

    /// <summary>Answers of a session that has ended, dropped.</summary>
    public long EndedSession { get; init; }

    /// <summary>Answers to no shard that the worker has: the same answer again, or one for other slices; dropped.</summary>
    public long Unasked { get; init; }

    /// <summary>Answers that came after their step was completed, dropped.</summary>
    public long Stale { get; init; }

    /// <summary>Answers for slices that another worker answered first, dropped.</summary>
    public long Second { get; init; }

    /// <summary>Second and stale answers whose nodes are those of the answer that counted.</summary>
    public long Agreed { get; init; }

    /// <summary>Second and stale answers that differ from the answer that counted: one of two machines is broken.</summary>
    public long Differed { get; init; }

    /// <summary>Shards given out a second time because they were late.</summary>
    public long Late { get; init; }

    /// <summary>Shards whose computation threw.</summary>
    public long Failed { get; init; }

    /// <summary>Shards given back unfinished, overwritten or withdrawn.</summary>
    public long GivenBack { get; init; }

    /// <summary>Workers whose session was ended because they owed an answer too long.</summary>
    public long Silent { get; init; }

    /// <summary>Workers suspected because their beats stayed away.</summary>
    public long Suspected { get; init; }

    /// <summary>Suspected workers that were heard again in time.</summary>
    public long HeardAgain { get; init; }

    /// <summary>Workers whose session was ended because their beats stayed away too long.</summary>
    public long Unheard { get; init; }

    /// <summary>Shards given out again because their worker was idle: the message or its answer was lost.</summary>
    public long Undelivered { get; init; }

    /// <summary>Shards lost with their worker.</summary>
    public long Lost { get; init; }

    /// <summary>Workers that joined, re-joining included.</summary>
    public long Joined { get; init; }

    /// <summary>Workers that left.</summary>
    public long Left { get; init; }

    /// <summary>Workers set aside.</summary>
    public long SetAside { get; init; }

    /// <summary>Shards given out.</summary>
    public long Shards { get; init; }

    /// <summary>Shards given out again because a worker failed, left or was late.</summary>
    public long Recoveries => Late + Failed + Undelivered + Lost;

    /// <summary>Steps diagnosed.</summary>
    public long Diagnoses { get; init; }
}
