using DistNet.Kernels;
using DistNet.Optimizers;
using Xunit;

namespace DistNet.Tests.Optimizers;

public sealed class BlockWorkTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Every_block_is_done_once_by_a_member_of_the_team_however_many_there_are(int threads)
    {
        using Crew crew = new(threads, "blocks");
        for (int count = 0; count <= 70; count++)
        {
            int[] done = new int[count];
            bool[] known = new bool[count];
            BlockWork work = new(count, (first, end, member) =>
            {
                for (int index = first; index < end; index++)
                {
                    Interlocked.Increment(ref done[index]);
                    known[index] = member >= 0 && member < crew.Size;
                }
            });
            for (int run = 1; run <= 3; run++)
            {
                work.Run(crew);
                Assert.All(done, times => Assert.Equal(run, times));
            }

            Assert.All(known, Assert.True);
        }
    }
}
