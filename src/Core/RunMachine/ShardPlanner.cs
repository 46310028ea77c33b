using System.Collections.Immutable;

namespace DistNet.Runs;

/// <summary>Cuts slices into one shard per worker, by speed.</summary>
/// <remarks>Each worker's ideal end is where the fair shares add up to; the end may move a little (<see cref="RunLimits.EndWindow"/> slices, or to a rounder
/// number within an eighth of the share) to where the shard needs few nodes of the canonical sum. Chosen are the ends with the smallest time of the slowest
/// worker and of the sum after it, where a node counts as <see cref="RunLimits.NodeCost"/> slices in either. Any cut gives the same bits; a good one gives
/// them sooner.</remarks>
public static class ShardPlanner
{
    private const int Near = (2 * RunLimits.EndWindow) + 1;
    private const int Candidates = Near + 3;

    /// <summary>One worker's part.</summary>
    /// <param name="Worker">The index into the speeds.</param>
    /// <param name="Slices">Its slices; at least one.</param>
    public readonly record struct Part(int Worker, SliceRange Slices);

    /// <summary>Gives each worker at most one part of the missing ranges. What is left over waits for the first to finish.</summary>
    /// <param name="missing">Disjoint ranges in ascending order.</param>
    /// <param name="speeds">Slices per second of each worker, in any common unit; positive.</param>
    /// <param name="sliceCount">The slices of the whole batch.</param>
    public static ImmutableArray<Part> Plan(ReadOnlySpan<SliceRange> missing, ReadOnlySpan<double> speeds, int sliceCount)
    {
        ImmutableArray<Part>.Builder parts = ImmutableArray.CreateBuilder<Part>(speeds.Length);
        long left = 0;
        foreach (SliceRange range in missing)
        {
            left += range.Count;
        }

        int next = 0;
        foreach (SliceRange range in missing)
        {
            int available = speeds.Length - next;
            if (available == 0)
            {
                break;
            }

            int workers = range.Count == left ? available : (int)Math.Clamp(Math.Round((double)available * range.Count / left), 1, available);
            Cut(range, next, speeds.Slice(next, workers), sliceCount, parts);
            next += workers;
            left -= range.Count;
        }

        return parts.ToImmutable();
    }

    /// <summary>How many nodes of the tree over <paramref name="sliceCount"/> slices cover [first, end) exactly, at the least.</summary>
    public static int NodeCount(int first, int end, int sliceCount)
    {
        int count = 0;
        while (first < end)
        {
            int level = first == 0 ? 30 : int.TrailingZeroCount(first);
            while (first + (1L << level) > end && end != sliceCount)
            {
                level--;
            }

            count++;
            long after = first + (1L << level);
            first = (int)Math.Min(after, end);
        }

        return count;
    }

    private static void Cut(SliceRange range, int offset, ReadOnlySpan<double> speeds, int sliceCount, ImmutableArray<Part>.Builder parts)
    {
        // The workers whose fair share is worth a slice; the fastest alone where there are too few slices.
        var chosen = new List<int>(speeds.Length);
        for (int worker = 0; worker < speeds.Length; worker++)
        {
            chosen.Add(worker);
        }

        while (chosen.Count > 1)
        {
            double total = 0;
            int slowest = chosen[0];
            foreach (int worker in chosen)
            {
                total += speeds[worker];
                slowest = speeds[worker] <= speeds[slowest] ? worker : slowest;
            }

            if (chosen.Count <= range.Count && range.Count * speeds[slowest] / total >= RunLimits.SmallestShare)
            {
                break;
            }

            chosen.Remove(slowest);
        }

        Span<int> ends = chosen.Count <= 256 ? stackalloc int[chosen.Count] : new int[chosen.Count];
        Span<double> fair = chosen.Count <= 256 ? stackalloc double[chosen.Count] : new double[chosen.Count];
        Span<double> chosenSpeeds = chosen.Count <= 256 ? stackalloc double[chosen.Count] : new double[chosen.Count];
        for (int i = 0; i < chosen.Count; i++)
        {
            chosenSpeeds[i] = speeds[chosen[i]];
        }

        FairEnds(range, chosenSpeeds, fair);
        ChooseEnds(range, chosenSpeeds, fair, sliceCount, ends);
        int first = range.First;
        for (int i = 0; i < ends.Length; i++)
        {
            parts.Add(new Part(offset + chosen[i], new SliceRange(first, ends[i] - first)));
            first = ends[i];
        }
    }

    // Where each worker's share would end were slices divisible; every share is at least one slice.
    private static void FairEnds(SliceRange range, ReadOnlySpan<double> speeds, Span<double> ends)
    {
        double raised = 0;
        double above = 0;
        double total = 0;
        foreach (double speed in speeds)
        {
            total += speed;
        }

        for (int i = 0; i < speeds.Length; i++)
        {
            ends[i] = range.Count * speeds[i] / total;
            raised += Math.Max(0, 1 - ends[i]);
            above += Math.Max(0, ends[i] - 1);
        }

        double end = range.First;
        for (int i = 0; i < speeds.Length; i++)
        {
            double share = ends[i] <= 1 ? 1 : 1 + ((ends[i] - 1) * (above - raised) / above);
            end += share;
            ends[i] = end;
        }
    }

    private static void ChooseEnds(SliceRange range, ReadOnlySpan<double> speeds, ReadOnlySpan<double> fair, int sliceCount, Span<int> ends)
    {
        int workers = speeds.Length;
        double speed = 0;
        foreach (double one in speeds)
        {
            speed += one / workers;
        }

        double sumTime = RunLimits.NodeCost / speed;
        var cost = new (double Slowest, int Nodes)[workers * Candidates];
        var from = new int[workers * Candidates];
        for (int i = 0; i < workers; i++)
        {
            for (int candidate = 0; candidate < Candidates; candidate++)
            {
                int place = (i * Candidates) + candidate;
                cost[place] = (double.PositiveInfinity, int.MaxValue);
                int end = End(range, fair, i, candidate);
                if (end < 0)
                {
                    continue;
                }

                for (int previous = 0; previous < (i == 0 ? 1 : Candidates); previous++)
                {
                    int first = i == 0 ? range.First : End(range, fair, i - 1, previous);
                    (double Slowest, int Nodes) before = i == 0 ? (0, 0) : cost[((i - 1) * Candidates) + previous];
                    if (first < 0 || first >= end || double.IsPositiveInfinity(before.Slowest))
                    {
                        continue;
                    }

                    int nodes = NodeCount(first, end, sliceCount);
                    double time = (end - first + (RunLimits.NodeCost * (nodes - 1))) / speeds[i];
                    (double Slowest, int Nodes) whole = (Math.Max(before.Slowest, time), before.Nodes + nodes);
                    if (whole.Slowest + (sumTime * whole.Nodes) < cost[place].Slowest + (sumTime * cost[place].Nodes))
                    {
                        cost[place] = whole;
                        from[place] = previous;
                    }
                }
            }
        }

        int best = RunLimits.EndWindow;
        for (int i = workers - 1; i >= 0; i--)
        {
            ends[i] = End(range, fair, i, best);
            best = from[(i * Candidates) + best];
        }

        Invariant.Holds(ends[^1] == range.End);
    }

    // A candidate for the end of worker i, or −1: first those near the fair end, then the multiples of a power of two of about a quarter of the share,
    // or less. The last worker's end is the range's.
    private static int End(SliceRange range, ReadOnlySpan<double> fair, int i, int candidate)
    {
        if (i == fair.Length - 1)
        {
            return candidate == RunLimits.EndWindow ? range.End : -1;
        }

        int end;
        if (candidate < Near)
        {
            end = (int)Math.Floor(fair[i] + 0.5) + candidate - RunLimits.EndWindow;
        }
        else
        {
            int quarter = (int)((fair[i] - (i == 0 ? range.First : fair[i - 1])) / 4);
            int unit = quarter == 0 ? 0 : 1 << Math.Max(0, int.Log2(quarter) - (candidate - Near));
            end = unit == 0 ? -1 : (int)Math.Floor((fair[i] / unit) + 0.5) * unit;
        }

        bool leavesEnough = end > range.First + i && end <= range.End - (fair.Length - 1 - i);
        return leavesEnough ? end : -1;
    }
}
