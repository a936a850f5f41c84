namespace Aerie.Tests;

public class AerieExceptionTests
{
    [Fact]
    public void Exception_carries_its_hint() => Assert.Equal("do this", new AerieException("wrong", "do this").Hint);
}
