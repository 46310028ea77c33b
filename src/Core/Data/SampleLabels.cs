using System.Collections.Immutable;

namespace DistNet.Data;

/// <summary>What is to be learnt of each sample: a class, float targets, or nothing (data to predict for).</summary>
public sealed class SampleLabels
{
    private readonly int[] labels;
    private readonly float[] targets;

    private SampleLabels(int[] labels, float[] targets, int targetWidth, ImmutableArray<string> classNames)
    {
        this.labels = labels;
        this.targets = targets;
        TargetWidth = targetWidth;
        ClassNames = classNames;
    }

    /// <summary>Nothing: the samples can only be predicted for.</summary>
    public static SampleLabels None { get; } = new([], [], 0, []);

    /// <summary>The class index of every sample; empty unless made by <see cref="Classes"/>.</summary>
    public ReadOnlySpan<int> Labels => labels;

    /// <summary>The targets, [count, <see cref="TargetWidth"/>] row-major; empty unless made by <see cref="Numbers"/>.</summary>
    public ReadOnlySpan<float> Targets => targets;

    /// <summary>The number of targets of one sample; 0 without targets.</summary>
    public int TargetWidth { get; }

    /// <summary>The class names, in the order of their indexes.</summary>
    public ImmutableArray<string> ClassNames { get; }

    /// <summary>A class for each sample.</summary>
    /// <param name="labels">The class indexes, each in [0, <paramref name="classNames"/>.Length); not copied.</param>
    /// <param name="classNames">The names of the classes.</param>
    /// <exception cref="ArgumentOutOfRangeException">A label is outside the classes.</exception>
    public static SampleLabels Classes(int[] labels, ImmutableArray<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(labels);
        foreach (int label in labels)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)label, (uint)classNames.Length, nameof(labels));
        }

        return new(labels, [], 0, classNames);
    }

    /// <summary>Float targets for each sample.</summary>
    /// <param name="targets">[count, <paramref name="width"/>] row-major, all finite; not copied.</param>
    /// <param name="width">Targets of one sample, at least 1.</param>
    public static SampleLabels Numbers(float[] targets, int width)
    {
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfNotEqual(targets.Length % width, 0, nameof(targets));
        return new([], targets, width, []);
    }

    internal void CheckCount(int count)
    {
        int own = TargetWidth > 0 ? targets.Length / TargetWidth : labels.Length;
        ArgumentOutOfRangeException.ThrowIfNotEqual(this == None ? count : own, count, nameof(count));
    }
}
