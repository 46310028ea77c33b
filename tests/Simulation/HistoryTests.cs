using System.Diagnostics;
using System.Reflection;
using DistNet.Runs;
using Xunit;

namespace DistNet.Simulation.Tests;

/// <summary>Thousands of histories of the production machine, each from one seed, each held against the run that nothing disturbs.</summary>
/// <remarks>A failing seed is named in the failure; <c>DISTNET_SIMULATION_SEED</c> replays it alone, <c>DISTNET_SIMULATION_HISTORIES</c> sets how many are run.</remarks>
public sealed class HistoryTests
{
    private const int DefaultHistories = 20_000;

    [Fact]
    public void Every_history_ends_with_the_digest_of_the_undisturbed_run()
    {
        var faults = new FaultCounts();
        var counters = new List<RunCounters>();
        long longestMs = 0;
        ulong[] seeds = Histories.Seeds(DefaultHistories);
        long started = Stopwatch.GetTimestamp();
        Histories.PlayAll(seeds, world =>
        {
            faults.Add(world.Faults);
            counters.AddRange(world.Counters);
            longestMs = Math.Max(longestMs, world.Plan.Beats ? world.NowMs - world.Plan.FaultsUntilMs : 0);
        });
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        var report = new List<string>();
        var silent = new List<string>();
        foreach ((string name, long count) in FaultCounts.All.Select(fault => (fault.Name, (long)fault.GetValue(faults)!)).Concat(Rules(counters)))
        {
            report.Add($"{name} {count}");
            if (count == 0)
            {
                silent.Add(name);
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{seeds.Length} histories, {counters.Count} terms, {elapsed.TotalSeconds:0.0} s; the longest ended {longestMs / 1000} s after its faults. {string.Join(", ", report)}");
        if (Histories.One is null)
        {
            Assert.True(silent.Count == 0, $"Never injected or never fired: {string.Join(", ", silent)}. {string.Join(", ", report)}");
        }
    }

    [Fact]
    public void A_seed_replays_exactly()
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            (World first, World second) = (Histories.Play(seed), Histories.Play(seed));
            Assert.Equal(first.NowMs, second.NowMs);
            Assert.Equal(first.Counters, second.Counters);
        }
    }

    private static IEnumerable<(string Name, long Count)> Rules(List<RunCounters> counters) =>
        typeof(RunCounters).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.PropertyType == typeof(long))
            .Select(rule => (rule.Name, counters.Sum(counter => (long)rule.GetValue(counter)!)));
}
