using System.Collections.Immutable;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>Samples whose inputs, bytes or floats, stay in their file: the system maps it, keeps in memory what is used and has room, and nothing of it is in the managed heap.</summary>
/// <remarks>So the data may be larger than memory. The file must stay as it is while it is used: where it is cut short, the system ends a process that reads behind its end.
/// That is why smaller files are read instead (<see cref="MinimumBytes"/>). The mapping ends when nothing uses the dataset any more.</remarks>
internal sealed class MappedDataset : Dataset
{
    /// <summary>Files from this size on are mapped, 256 MiB: below it a copy costs little, and whoever overwrites the file does not harm the run.</summary>
    public const long MinimumBytes = 1L << 28;

    private const int HashBytes = 1 << 22;

    private readonly MemoryMappedFile map;
    private readonly MemoryMappedViewAccessor view;
    private readonly SampleLabels labels;
    private readonly bool areFloats;
    private readonly long length;
    private readonly Lazy<string> fingerprint;

    private MappedDataset(MemoryMappedFile map, MemoryMappedViewAccessor view, bool areFloats, Shape inputShape, int count, SampleLabels labels)
    {
        labels.CheckCount(count);
        this.map = map;
        this.view = view;
        this.areFloats = areFloats;
        this.labels = labels;
        Count = count;
        InputShape = inputShape;
        length = (long)count * inputShape.Length;
        fingerprint = new(() => DatasetFingerprint.Of(
            areFloats ? nameof(Single) : nameof(Byte), hash => Visit(HashBytes, (bytes, _) => hash.AppendData(bytes)), Count, InputShape, this.labels));
    }

    /// <inheritdoc/>
    public override int Count { get; }

    /// <inheritdoc/>
    public override Shape InputShape { get; }

    /// <inheritdoc/>
    public override ImmutableArray<string> ClassNames => labels.ClassNames;

    /// <inheritdoc/>
    public override ReadOnlySpan<int> Labels => labels.Labels;

    /// <inheritdoc/>
    public override ReadOnlySpan<float> Targets => labels.Targets;

    /// <inheritdoc/>
    public override int TargetWidth => labels.TargetWidth;

    /// <inheritdoc/>
    public override string Fingerprint => fingerprint.Value;

    /// <summary>Maps the inputs of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="offset">Where the inputs begin, in bytes.</param>
    /// <param name="areFloats">Whether they are little-endian floats; else bytes.</param>
    /// <param name="inputShape">The shape of one sample's input.</param>
    /// <param name="count">Samples.</param>
    /// <param name="labels">Their labels.</param>
    /// <param name="notFinite">Makes the sentence about a value that is not finite, at an index.</param>
    /// <exception cref="DistNetException">The file cannot be mapped, or a value is not finite.</exception>
    public static MappedDataset Open(string path, long offset, bool areFloats, Shape inputShape, int count, SampleLabels labels, Func<float, long, DistNetException> notFinite)
    {
        long bytes = (long)count * inputShape.Length * (areFloats ? sizeof(float) : 1);
        MemoryMappedFile? map = null;
        MemoryMappedViewAccessor? view = null;
        try
        {
            map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
            view = map.CreateViewAccessor(offset, bytes, MemoryMappedFileAccess.Read);
            MappedDataset data = new(map, view, areFloats, inputShape, count, labels);
            if (areFloats)
            {
                data.CheckFinite(notFinite);
            }

            return data;
        }
        catch (Exception error)
        {
            view?.Dispose();
            map?.Dispose();
            if (error is IOException or UnauthorizedAccessException or ArgumentException)
            {
                throw DistNetException.BadInput($"The data file '{path}' cannot be mapped into memory: {error.Message.TrimEnd('.')}.", error);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public override unsafe void CopyInputs(ReadOnlySpan<int> samples, Span<float> destination)
    {
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            start += view.PointerOffset;
            Span<float> result = destination[..(samples.Length * InputShape.Length)];
            int shown = (int)Math.Min(length, int.MaxValue);
            if (areFloats)
            {
                RowGather.Floats(VectorUnit.Widest, new ReadOnlySpan<float>(start, shown), length, InputShape.Length, samples, result);
            }
            else
            {
                RowGather.Bytes(VectorUnit.Widest, new ReadOnlySpan<byte>(start, shown), length, InputShape.Length, samples, result);
            }
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            GC.KeepAlive(map);
        }
    }

    private void CheckFinite(Func<float, long, DistNetException> notFinite) => Visit(HashBytes, (bytes, offset) =>
    {
        ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(bytes);
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                throw notFinite(values[i], (offset / sizeof(float)) + i);
            }
        }
    });

    // All bytes in order, some at a time, each with its place.
    private unsafe void Visit(int blockBytes, Action<ReadOnlySpan<byte>, long> visit)
    {
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            long bytes = length * (areFloats ? sizeof(float) : 1);
            for (long first = 0; first < bytes; first += blockBytes)
            {
                visit(new ReadOnlySpan<byte>(start + view.PointerOffset + first, (int)Math.Min(blockBytes, bytes - first)), first);
            }
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }
}
