using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistNet.Kernels;

// The one function of two outputs: both in one pass over the inputs.
public static partial class Elementwise
{
    private ref struct MaxBackwardKernel : IKernel
    {
        public ReadOnlySpan<float> A;
        public ReadOnlySpan<float> B;
        public ReadOnlySpan<float> OutputGradient;
        public Span<float> FirstGradient;
        public Span<float> SecondGradient;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            ref float a = ref MemoryMarshal.GetReference(A);
            ref float b = ref MemoryMarshal.GetReference(B);
            ref float dy = ref MemoryMarshal.GetReference(OutputGradient);
            ref float da = ref MemoryMarshal.GetReference(FirstGradient);
            ref float db = ref MemoryMarshal.GetReference(SecondGradient);
            nuint length = (nuint)OutputGradient.Length, width = (nuint)TOps.Count, index = 0;
            for (; index + width <= length; index += width)
            {
                TVector gradient = TOps.Load(in dy, index);
                TVector first = TOps.GreaterThan(TOps.Load(in a, index), TOps.Load(in b, index));
                TOps.Store(TOps.And(first, gradient), ref da, index);
                TOps.Store(TOps.Select(first, TOps.Zero, gradient), ref db, index);
            }

            // Nothing is rounded, so a lone element takes the same way as one in a vector.
            for (; index < length; index++)
            {
                float gradient = Unsafe.Add(ref dy, index);
                bool first = Unsafe.Add(ref a, index) > Unsafe.Add(ref b, index);
                Unsafe.Add(ref da, index) = first ? gradient : 0f;
                Unsafe.Add(ref db, index) = first ? 0f : gradient;
            }
        }
    }
}
