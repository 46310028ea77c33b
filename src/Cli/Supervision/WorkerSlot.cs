namespace DistNet.Cli.Supervision;

/// <summary>The place of one worker process, which may be filled several times.</summary>
/// <param name="name">The worker's name, kept over restarts.</param>
/// <param name="maximumDeaths">As for <see cref="RestartPolicy"/>.</param>
internal sealed class WorkerSlot(string name, int maximumDeaths)
{
    public string Name => name;

    public RestartPolicy Policy { get; } = new(maximumDeaths);

    /// <summary>The process; null before the first and between two.</summary>
    public ChildProcess? Process { get; set; }

    /// <summary>When to start the next process; null for not.</summary>
    public long? StartAt { get; set; }

    /// <summary>The death that was not told yet, as its process has not joined again; null for none.</summary>
    public Death? Untold { get; set; }
}

/// <summary>A process that died.</summary>
/// <param name="Ending">What happened, <c>process 123 was killed by signal 9</c>.</param>
/// <param name="At">When, as a time stamp.</param>
/// <param name="Step">The furthest step that the run had come to.</param>
internal sealed record Death(string Ending, long At, long Step)
{
    public static Death Of(ChildProcess child, long step, long now) =>
        new(FormattableString.Invariant($"process {child.Id} {child.Ending}") + (child.LastWords.Length == 0 ? "" : $" ({child.LastWords.TrimEnd('.')})"), now, step);
}
