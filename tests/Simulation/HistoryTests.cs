using System.Reflection;
using DistNet.Runs;
using DistNet.Tests.Shared;
using Xunit;

namespace DistNet.Simulation.Tests;

/// <summary>Thousands of histories of the production machine, each from one seed, each held against the run that nothing disturbs.</summary>
/// <remarks>A failing seed is named in the failure; <c>DISTNET_SIMULATION_SEED</c> replays it alone, <c>DISTNET_SIMULATION_HISTORIES</c> sets how many are run.</remarks>
public sealed class HistoryTests
{
    private const int DefaultHistories = 3_000;

    [Fact]
    public void Every_history_ends_with_the_digest_of_the_undisturbed_run()
    {
        var faults = new FaultCounts();
        var counters = new List<RunCounters>();
        foreach (ulong seed in Seeds())
        {
            World world = Play(seed, null);
            faults.Add(world.Faults);
            counters.AddRange(world.Counters);
        }

        if (Environment.GetEnvironmentVariable("DISTNET_SIMULATION_SEED") is null)
        {
            AssertEveryFaultAndRuleFired(faults, counters);
        }
    }

    [Fact]
    public void A_machine_that_counts_an_answer_twice_is_found()
    {
        // The seeded defect: an answer to the phase under way that must be dropped, as its slices are answered already, counts all the same.
        static Transition CountTwice(Transition transition, RunInput input) =>
            input is RunInput.ShardCompleted completed && transition.Effects is [RunEffect.ReleaseAnswer, ..]
            && transition.State.Phase is { } phase && phase.Whole.Phase == completed.Fence.Phase && phase.Whole.Step == completed.Fence.Step
            && phase.Accepted.Any(accepted => accepted.Slices.First < completed.Slices.End && completed.Slices.First < accepted.Slices.End)
                ? transition with { Effects = transition.Effects.SetItem(0, new RunEffect.AcceptAnswer(completed.Answer)) }
                : transition;
        Assert.True(Found(CountTwice));
    }

    [Fact]
    public void A_machine_that_forgets_a_lost_shard_is_found()
    {
        // The seeded defect: the slices of a worker that leaves stay assigned to it, in the books, for ever.
        static Transition Forget(Transition transition, RunInput input)
        {
            bool dispatched = transition.Effects.Any(effect => effect is RunEffect.SendShard);
            return input is RunInput.WorkerLeft && dispatched
                ? transition with { Effects = [.. transition.Effects.Where(effect => effect is not RunEffect.SendShard)], State = Unlimited(transition.State) }
                : transition;
        }

        static RunState Unlimited(RunState state) => state with
        {
            Workers = [.. state.Workers.Select(worker => worker.Work is { } work ? worker with { Work = work with { DeadlineMs = long.MaxValue } } : worker)],
        };

        Assert.True(Found(Forget));
    }

    [Fact]
    public void A_seed_replays_exactly()
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            (World first, World second) = (Play(seed, null), Play(seed, null));
            Assert.Equal(first.NowMs, second.NowMs);
            Assert.Equal(first.Counters, second.Counters);
        }
    }

    private static bool Found(Func<Transition, RunInput, Transition> defect)
    {
        for (ulong seed = 1; seed <= 500; seed++)
        {
            try
            {
                Play(seed, defect);
            }
            catch (HistoryException)
            {
                return true;
            }
        }

        return false;
    }

    private static World Play(ulong seed, Func<Transition, RunInput, Transition>? defect)
    {
        var world = new World(seed, defect);
        ulong digest;
        try
        {
            digest = world.Run();
        }
        catch (Exception failure)
        {
            throw new HistoryException($"Seed {seed}: {failure.Message}", failure);
        }

        ulong expected = ExactRun.Undisturbed(world.Plan.Definition, world.Plan.NonFiniteSteps);
        return digest == expected ? world : throw new HistoryException($"Seed {seed}: the digest is {digest:x16}, expected {expected:x16}.", null);
    }

    private static IEnumerable<ulong> Seeds()
    {
        if (Environment.GetEnvironmentVariable("DISTNET_SIMULATION_SEED") is { } one)
        {
            return [ulong.Parse(one, System.Globalization.CultureInfo.InvariantCulture)];
        }

        int count = Environment.GetEnvironmentVariable("DISTNET_SIMULATION_HISTORIES") is { } many
            ? int.Parse(many, System.Globalization.CultureInfo.InvariantCulture)
            : DefaultHistories;
        return Enumerable.Range(1, count).Select(seed => (ulong)seed);
    }

    private static void AssertEveryFaultAndRuleFired(FaultCounts faults, List<RunCounters> counters)
    {
        var report = new List<string>();
        foreach (FieldInfo fault in typeof(FaultCounts).GetFields())
        {
            long count = (long)fault.GetValue(faults)!;
            report.Add($"{fault.Name} {count}");
            Assert.True(count > 0, $"The fault {fault.Name} was never injected.");
        }

        foreach (PropertyInfo rule in typeof(RunCounters).GetProperties().Where(property => property.PropertyType == typeof(long) && property.Name is not ("Suspected" or "HeardAgain" or "Unheard")))
        {
            long count = counters.Sum(counter => (long)rule.GetValue(counter)!);
            report.Add($"{rule.Name} {count}");
            Assert.True(count > 0, $"The rule {rule.Name} never fired: {string.Join(", ", report)}.");
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{counters.Count} terms: " + string.Join(", ", report));
    }

    private sealed class HistoryException(string message, Exception? inner) : Exception(message, inner);
}
