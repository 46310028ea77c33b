using System.Diagnostics;
using DistNet.Protocol.Security;
using DistNet.Worker.Plane;

namespace DistNet.Worker.Node;

/// <summary>A worker process's life: it seeks its coordinator, takes part in its run, and seeks it again when it was cut off, keeping its data and its engine's memory.</summary>
public static class WorkerNode
{
    private const int LongestName = 64;

    /// <summary>Works until the run is over or it is asked to stop.</summary>
    /// <param name="options">Whom to join, and how.</param>
    /// <param name="stop">Finishes or hands back what it has, leaves, and returns.</param>
    /// <exception cref="DistNetException">It is refused for good, its data cannot be had, or no coordinator was found in time.</exception>
    public static async Task<WorkerEnd> RunAsync(WorkerNodeOptions options, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1, nameof(options));
        Check(options);
        using PlaneClient client = new(options.Join.Host, options.Join.Port, options.Tls);
        using WorkerWork work = new(options);
        if (options.Tls is not null)
        {
            options.Tls.Refused = new RefusalNotes(sentence => options.Observer?.OnWarning(sentence)).Add;
        }

        WorkerSession sessions = new(options, client, work);
        SessionPauses pauses = new();
        long alone = Stopwatch.GetTimestamp();
        string told = "";
        int count = 0;
        while (true)
        {
            SessionEnd end = await sessions.RunAsync(stop).ConfigureAwait(false);
            if (end.Joined)
            {
                count++;
                pauses.Reset();
                (alone, told) = (Stopwatch.GetTimestamp(), "");
            }

            if (end.Kind is SessionEndKind.RunOver or SessionEndKind.Stopped)
            {
                await sessions.CloseAsync().ConfigureAwait(false);
                return new WorkerEnd(end.Kind == SessionEndKind.RunOver ? WorkerEndKind.RunOver : WorkerEndKind.Stopped, work.Samples, count, work.AllocatedBytesPerShard);
            }

            if (Stopwatch.GetElapsedTime(alone) >= options.GiveUpAfter)
            {
                throw DistNetException.Failed(FormattableString.Invariant(
                    $"No coordinator at {options.Join} took this worker for {options.GiveUpAfter.TotalSeconds:0.#} s, so it gives up (--give-up-after): {end.Sentence}"));
            }

            if (end.Sentence != told)
            {
                told = end.Sentence;
                options.Observer?.OnSeeking(end.Sentence);
            }

            await PauseAsync(pauses.Next(), stop).ConfigureAwait(false);
        }
    }

    private static void Check(WorkerNodeOptions options)
    {
        if (options.Name.Length is 0 or > LongestName || !options.Name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.') || options.Name[0] is '.' or '-')
        {
            throw DistNetException.Usage($"--name is '{options.Name}'; expected at most {LongestName} letters, digits, dots, hyphens and underscores, a letter or digit first.");
        }

        if (options.Join.Port == 0)
        {
            throw DistNetException.Usage($"--join is '{options.Join}'; expected the port that the coordinator listens on.");
        }

        foreach (string host in new[] { options.Join.Host, options.ControlBind?.Host }.OfType<string>().Distinct(StringComparer.Ordinal))
        {
            if (ExposurePolicy.Check(host, options.Token, options.Tls, options.Insecure) is { } exposed)
            {
                options.Observer?.OnWarning(exposed);
            }
        }
    }

    private static async Task PauseAsync(TimeSpan pause, CancellationToken stop)
    {
        try
        {
            await Task.Delay(pause, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The next session finds out.
        }
    }
}
