using System.Collections.Concurrent;
using System.Globalization;
using DistNet.Runs;
using DistNet.Tests.Shared;

namespace DistNet.Simulation.Tests;

/// <summary>Plays histories and holds each against the run that nothing disturbs.</summary>
internal static class Histories
{
    /// <summary>Plays one history.</summary>
    /// <exception cref="HistoryException">It breaks a rule; the message names the seed.</exception>
    public static World Play(ulong seed, Defects? defects = null)
    {
        World world = new(seed, defects);
        ulong digest;
        try
        {
            digest = world.Run();
        }
        catch (Exception failure)
        {
            throw new HistoryException($"Seed {seed} at {world.NowMs} ms: {failure.Message}", failure);
        }

        if (world.Plan.FirstIsBroken)
        {
            return world;
        }

        ulong expected = ExactRun.Undisturbed(world.Plan.Definition, world.Plan.NonFiniteSteps);
        if (digest != expected)
        {
            throw new HistoryException($"Seed {seed}: the digest is {digest:x16}, expected {expected:x16}.", null);
        }

        return world.Plan.LieLate == 0 && world.Counters.Any(counters => counters.Differed > 0)
            ? throw new HistoryException($"Seed {seed}: sound machines were accused.", null)
            : world;
    }

    /// <summary>Plays many on all cores; the failure of the lowest seed is thrown.</summary>
    public static void PlayAll(IEnumerable<ulong> seeds, Action<World> each)
    {
        var failures = new ConcurrentBag<(ulong Seed, Exception Failure)>();
        object gate = new();
        Parallel.ForEach(Partitioner.Create(seeds, EnumerablePartitionerOptions.NoBuffering), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, (seed, loop) =>
        {
            try
            {
                World world = Play(seed);
                lock (gate)
                {
                    each(world);
                }
            }
            catch (HistoryException failure)
            {
                failures.Add((seed, failure));
                loop.Break();
            }
        });
        if (!failures.IsEmpty)
        {
            throw new HistoryException($"{failures.MinBy(failure => failure.Seed).Failure.Message} DISTNET_SIMULATION_SEED={failures.Min(failure => failure.Seed)} replays it.", failures.MinBy(failure => failure.Seed).Failure);
        }
    }

    /// <summary>How the first history that shows a defect fails; empty where none of so many does.</summary>
    public static string Find(Defects defects, ulong among = 500)
    {
        for (ulong seed = 1; seed <= among; seed++)
        {
            try
            {
                Play(seed, defects);
            }
            catch (HistoryException found)
            {
                return found.Message;
            }
        }

        return "";
    }

    /// <summary>The seeds to play: one alone or so many, by the environment.</summary>
    public static ulong[] Seeds(int otherwise)
    {
        if (One is { } one)
        {
            return [one];
        }

        int count = Environment.GetEnvironmentVariable("DISTNET_SIMULATION_HISTORIES") is { } many ? int.Parse(many, CultureInfo.InvariantCulture) : otherwise;
        return [.. Enumerable.Range(1, count).Select(seed => (ulong)seed)];
    }

    /// <summary>The one seed to replay, or null.</summary>
    public static ulong? One =>
        Environment.GetEnvironmentVariable("DISTNET_SIMULATION_SEED") is { } one ? ulong.Parse(one, CultureInfo.InvariantCulture) : null;
}

/// <summary>A history that broke a rule.</summary>
internal sealed class HistoryException(string message, Exception? inner) : Exception(message, inner);
