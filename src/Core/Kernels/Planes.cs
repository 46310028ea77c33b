using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistNet.Kernels;

/// <summary>One axis of planes: padded coordinate u is at place u ÷ stride of phase u mod stride.</summary>
/// <param name="Source">The length of the source.</param>
/// <param name="Before">The padding before the source; negative where so much of it is left out.</param>
/// <param name="Stride">The stride whose phases are set apart.</param>
/// <param name="Phases">The phases that are kept, from the first.</param>
/// <param name="Length">The length of a phase.</param>
internal readonly record struct PlaneAxis(int Source, int Before, int Stride, int Phases, int Length)
{
    public bool IsSource => Before == 0 && Stride == 1 && Length == Source;

    /// <summary>The part of the padded input that a convolution reads, its phases apart.</summary>
    public static PlaneAxis OfInput(in WindowAxis axis) => axis.Before == 0 && axis.Stride == 1 && axis.Output - 1 + axis.Reach < axis.Input
        ? new(axis.Input, 0, 1, 1, axis.Input)
        : new(axis.Input, axis.Before, axis.Stride, (int)Math.Min(axis.Stride, axis.Reach + 1), (int)(((((axis.Output - 1L) * axis.Stride) + axis.Reach) / axis.Stride) + 1));

    /// <summary>The part of the padded output that the gradient reads: input i takes output a − (k · dilation) ÷ stride, where a = (i + before) ÷ stride.</summary>
    public static PlaneAxis OfOutput(in WindowAxis axis)
    {
        int first = (axis.Before / axis.Stride) - (int)(axis.Reach / axis.Stride);
        int length = ((axis.Input - 1 + axis.Before) / axis.Stride) - first + 1;
        return first == 0 && length <= axis.Output ? new(axis.Output, 0, 1, 1, axis.Output) : new(axis.Output, -first, 1, 1, length);
    }
}

/// <summary>A sample's channels with their padding written out (+0) and the phases of a stride apart: every tap of every pixel is then at the pixel's place plus the tap's, and the pixels
/// of a row lie side by side. Where nothing is padded, the planes are the source itself.</summary>
internal readonly unsafe struct Planes(int channels, PlaneAxis rows, PlaneAxis columns)
{
    /// <summary>Floats after the last plane that may be read, whatever they are.</summary>
    public const int Slack = 2 * MapKernels.Lanes;

    /// <summary>The channels of a sample.</summary>
    public int Channels => channels;

    /// <summary>Whether nothing is padded or set apart.</summary>
    public bool AreSource => rows.IsSource && columns.IsSource;

    /// <summary>From one channel to the next.</summary>
    public int ChannelLength => checked(rows.Phases * columns.Phases * rows.Length * columns.Length);

    /// <summary>From one row to the next.</summary>
    public int Pitch => columns.Length;

    /// <summary>The floats of a sample's planes.</summary>
    public int Length => checked(channels * ChannelLength);

    /// <summary>The floats of a sample's source.</summary>
    public int SourceLength => channels * rows.Source * columns.Source;

    /// <summary>Where a padded coordinate is in its channel.</summary>
    public int Place(int row, int column) =>
        ((((row % rows.Stride * columns.Phases) + (column % columns.Stride)) * rows.Length) + (row / rows.Stride)) * columns.Length + (column / columns.Stride);

    /// <summary>Writes the planes of some channels of one sample.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(float* source, int count, float* planes)
    {
        for (int channel = 0; channel < count; channel++, source += rows.Source * columns.Source)
        {
            for (int phase = 0; phase < rows.Phases * columns.Phases; phase++)
            {
                int firstRow = (phase / columns.Phases) - rows.Before, firstColumn = (phase % columns.Phases) - columns.Before;
                int begin = Math.Min(firstColumn >= 0 ? 0 : (-firstColumn + columns.Stride - 1) / columns.Stride, columns.Length);
                int end = Math.Max(begin, Math.Min(columns.Length, firstColumn >= columns.Source ? 0 : (columns.Source - firstColumn + columns.Stride - 1) / columns.Stride));
                for (int row = 0; row < rows.Length; row++, planes += columns.Length)
                {
                    int from = firstRow + (row * rows.Stride);
                    bool isPadding = from < 0 || from >= rows.Source;
                    int padded = isPadding ? columns.Length : begin;
                    for (int column = 0; column < padded; column++)
                    {
                        planes[column] = 0;
                    }

                    if (!isPadding)
                    {
                        float* first = source + ((nint)from * columns.Source) + firstColumn + ((nint)begin * columns.Stride);
                        Copy(first, end - begin, planes + begin);
                        for (int column = end; column < columns.Length; column++)
                        {
                            planes[column] = 0;
                        }
                    }
                }
            }
        }
    }

    // Short rows, so that no call pays: vectors of which the last overlaps with the one before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Copy(float* from, int count, float* to)
    {
        int done = 0;
        if (columns.Stride == 1)
        {
            if (count >= Vector256<float>.Count)
            {
                for (; done + Vector256<float>.Count <= count; done += Vector256<float>.Count)
                {
                    Vector256.Load(from + done).Store(to + done);
                }

                Vector256.Load(from + count - Vector256<float>.Count).Store(to + count - Vector256<float>.Count);
            }
            else if (count >= Vector128<float>.Count)
            {
                Vector128.Load(from).Store(to);
                Vector128.Load(from + count - Vector128<float>.Count).Store(to + count - Vector128<float>.Count);
            }
            else
            {
                for (; done < count; done++)
                {
                    to[done] = from[done];
                }
            }

            return;
        }

        // The last vector of a pair may not reach beyond the last element that counts.
        for (; columns.Stride == 2 && done + Vector128<float>.Count < count; done += Vector128<float>.Count)
        {
            Interleaving.Even(Vector128.Load(from + (2 * done)), Vector128.Load(from + (2 * done) + Vector128<float>.Count)).Store(to + done);
        }

        for (; done < count; done++)
        {
            to[done] = from[(nint)done * columns.Stride];
        }
    }
}
