using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>Samples whose inputs are bytes, a quarter of the memory of floats: images, and CSV files of small whole numbers.</summary>
/// <param name="inputShape">The shape of one sample's input.</param>
/// <param name="inputs">[count, inputShape.Length] row-major; not copied.</param>
/// <param name="labels">What is to be learnt of each sample.</param>
public sealed class ByteDataset(Shape inputShape, byte[] inputs, SampleLabels labels) : InMemoryDataset<byte>(inputShape, inputs, labels)
{
    /// <inheritdoc/>
    public override void CopyInputs(ReadOnlySpan<int> samples, Span<float> destination)
    {
        int length = InputShape.Length;
        ReadOnlySpan<byte> all = Inputs;
        for (int i = 0; i < samples.Length; i++)
        {
            Widen(all.Slice(samples[i] * length, length), destination.Slice(i * length, length));
        }
    }

    // A byte is a float exactly, so the width cannot change a bit.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen(ReadOnlySpan<byte> source, Span<float> destination)
    {
        ref byte from = ref MemoryMarshal.GetReference(source);
        ref float to = ref MemoryMarshal.GetReference(destination);
        int i = 0;
        if (Avx2.IsSupported)
        {
            for (; i <= source.Length - Vector128<byte>.Count; i += Vector128<byte>.Count)
            {
                Vector128<byte> bytes = Vector128.LoadUnsafe(ref from, (nuint)i);
                Vector256<short> words = Avx2.ConvertToVector256Int16(bytes);
                (Vector256<int> lower, Vector256<int> upper) = Vector256.Widen(words);
                Vector256.ConvertToSingle(lower).StoreUnsafe(ref to, (nuint)i);
                Vector256.ConvertToSingle(upper).StoreUnsafe(ref to, (nuint)(i + Vector256<float>.Count));
            }
        }
        else if (Vector128.IsHardwareAccelerated)
        {
            for (; i <= source.Length - Vector128<byte>.Count; i += Vector128<byte>.Count)
            {
                (Vector128<ushort> lower, Vector128<ushort> upper) = Vector128.Widen(Vector128.LoadUnsafe(ref from, (nuint)i));
                StoreWords(lower, ref to, i);
                StoreWords(upper, ref to, i + Vector128<ushort>.Count);
            }
        }

        for (; i < source.Length; i++)
        {
            destination[i] = source[i];
        }
    }

    private static void StoreWords(Vector128<ushort> words, ref float to, int index)
    {
        (Vector128<uint> lower, Vector128<uint> upper) = Vector128.Widen(words);
        Vector128.ConvertToSingle(lower.AsInt32()).StoreUnsafe(ref to, (nuint)index);
        Vector128.ConvertToSingle(upper.AsInt32()).StoreUnsafe(ref to, (nuint)(index + Vector128<uint>.Count));
    }
}
